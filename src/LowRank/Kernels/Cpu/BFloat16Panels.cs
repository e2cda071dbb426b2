using LowRank.Formats;
using LowRank.Kernels.Cpu.Decoding;

namespace LowRank.Kernels.Cpu;

/// <summary>The rows of a bf16 weight, contiguous in memory that outlives this.</summary>
internal sealed unsafe class BFloat16Panels(ushort* data, long outFeatures, long inFeatures) : PanelWeight(outFeatures, inFeatures)
{
    /// <inheritdoc/>
    public override void Decode(long row, int rows, long column, int columns, float* target)
    {
        for (var r = 0; r < rows; r++)
            FloatConversion.BFloat16ToSingle(new ReadOnlySpan<ushort>(data + (row + r) * InFeatures + column, columns), new Span<float>(target + (long)r * columns, columns));
    }

    /// <inheritdoc/>
    public override InputOrder Order => BFloat16Gemv.Handles(InFeatures) ? InputOrder.EvenOdd : InputOrder.Plain;

    /// <inheritdoc/>
    public override void Multiply(float* x, float* arranged, int rows, long start, long end, float* y)
    {
        if (Order == InputOrder.EvenOdd) BFloat16Gemv.Slice(arranged, data, y, rows, (int)InFeatures, OutFeatures, start, end);
        else base.Multiply(x, arranged, rows, start, end, y);
    }
}
