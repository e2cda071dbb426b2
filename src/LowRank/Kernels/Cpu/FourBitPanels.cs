using LowRank.Kernels.Cpu.Decoding;
using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>The rows of a 4-bit weight.</summary>
internal sealed unsafe class FourBitPanels(FourBitParts parts) : PanelWeight(parts.OutFeatures, parts.InFeatures)
{
    private readonly bool hasOwnGemv = FourBitGemv.Handles(parts);

    /// <inheritdoc/>
    public override void Decode(long row, int rows, long column, int columns, float* target)
    {
        var view = parts.View();
        if (columns == InFeatures)
            FourBitRange.Decode(in view, row * InFeatures, (long)rows * columns, target);
        else
            for (var r = 0; r < rows; r++) FourBitRange.Decode(in view, (row + r) * InFeatures + column, columns, target + (long)r * columns);
    }

    /// <inheritdoc/>
    public override InputOrder Order => hasOwnGemv ? InputOrder.Codes : InputOrder.Plain;

    /// <inheritdoc/>
    public override void Multiply(float* x, float* arranged, int rows, long start, long end, float* y)
    {
        if (!hasOwnGemv)
        {
            base.Multiply(x, arranged, rows, start, end, y);
            return;
        }
        FourBitGemv.Multiply(parts.View(), InFeatures, arranged, rows, start, end, y, OutFeatures);
    }
}
