using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>The rows of a 4-bit weight.</summary>
internal sealed unsafe class FourBitPanels(FourBitParts parts) : PanelWeight(parts.OutFeatures, parts.InFeatures)
{
    /// <inheritdoc/>
    public override void Decode(long row, int rows, long column, int columns, float* target)
    {
        var view = parts.View();
        if (columns == InFeatures)
            FourBitRange.Decode(in view, row * InFeatures, (long)rows * columns, target);
        else
            for (var r = 0; r < rows; r++) FourBitRange.Decode(in view, (row + r) * InFeatures + column, columns, target + (long)r * columns);
    }
}
