namespace LowRank.Kernels.Cpu;

/// <summary>The rows of an fp32 weight, contiguous in memory that outlives this.</summary>
internal sealed unsafe class Float32Panels(float* data, long outFeatures, long inFeatures) : PanelWeight(outFeatures, inFeatures)
{
    /// <inheritdoc/>
    public override void Decode(long row, int rows, long column, int columns, float* target)
    {
        for (var r = 0; r < rows; r++)
            new ReadOnlySpan<float>(data + (row + r) * InFeatures + column, columns).CopyTo(new Span<float>(target + (long)r * columns, columns));
    }
}
