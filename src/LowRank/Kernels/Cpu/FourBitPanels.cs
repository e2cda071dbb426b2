using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>The rows of a 4-bit weight.</summary>
internal sealed unsafe class FourBitPanels(FourBitParts parts) : PanelWeight(parts.OutFeatures, parts.InFeatures)
{
    /// <inheritdoc/>
    public override void Decode(long row, long column, int columns, float* target) => FourBitRange.Decode(parts, row * InFeatures + column, columns, target);
}
