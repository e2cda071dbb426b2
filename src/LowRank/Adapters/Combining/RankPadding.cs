using static TorchSharp.torch;

namespace LowRank.Adapters.Combining;

/// <summary>Fills matrices up with zeros to a larger rank, which changes nothing in their product.</summary>
internal static class RankPadding
{
    /// <summary>A <c>[r, in]</c> with <paramref name="rank"/> rows, contiguous.</summary>
    public static Tensor Rows(Tensor a, long rank) => a.shape[0] == rank ? a.contiguous() : cat([a, zeros(rank - a.shape[0], a.shape[1], a.dtype)], 0);

    /// <summary>B <c>[out, r]</c> with <paramref name="rank"/> columns, contiguous.</summary>
    public static Tensor Columns(Tensor b, long rank) => b.shape[1] == rank ? b.contiguous() : cat([b, zeros(b.shape[0], rank - b.shape[1], b.dtype)], 1);
}
