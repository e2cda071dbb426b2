using LowRank.Kernels.Cpu.Decoding;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// <c>x · Wᵀ</c> for a few rows <c>x</c>, as generation needs it: the weight is read once and a decoded value used at once for all rows
/// (<see cref="PanelWeight.Multiply"/>). Sums run in a fixed order, whatever the number of threads.
/// </summary>
internal static unsafe class FewRows
{
    /// <summary>Up to this number of rows this is faster than <see cref="PanelProduct"/>.</summary>
    public const int Most = 8;

    // Decoded elements between two hand-outs of work.
    private const long Grain = 1 << 15;

    /// <summary>Computes <paramref name="y"/> <c>[rows, out]</c> from <paramref name="x"/> <c>[rows, in]</c>, both contiguous.</summary>
    public static void Linear(PanelWeight weight, float* x, long rows, float* y)
    {
        var (outFeatures, depth) = (weight.OutFeatures, weight.InFeatures);
        using var scratch = Scratch.Rent(weight.Order == InputOrder.Plain ? 1 : rows * depth);
        var arranged = scratch.Floats;
        if (weight.Order != InputOrder.Plain) PanelWeight.Arrange(weight.Order, x, rows * depth, arranged);
        TorchThreads.Share((outFeatures + 1) / 2, Math.Max(1, Grain / depth), (from, to) => weight.Multiply(x, arranged, (int)rows, 2 * from, Math.Min(outFeatures, 2 * to), y));
    }
}
