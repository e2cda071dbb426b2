using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Combining;

/// <summary>
/// Combines matrices of one shape, one for each adapter, element by element (PEFT 0.21, <c>utils/merge_utils.py</c>). Sums are in the adapters' order, fp32.
/// </summary>
internal static class TaskTensors
{
    /// <summary>Prunes each matrix as the method asks, and adds them with their weights; with TIES only the values whose sign is elected, divided by their number.</summary>
    /// <param name="tensors">The matrices.</param>
    /// <param name="weights">A factor for each.</param>
    /// <param name="options">Method, density and election.</param>
    /// <param name="mask">The values that DARE keeps of the matrix of this number.</param>
    public static Tensor Combine(IReadOnlyList<Tensor> tensors, IReadOnlyList<double> weights, CombineOptions options, Func<int, Tensor> mask)
    {
        using var scope = NewDisposeScope();
        var pruned = stack([.. tensors.Select((t, i) => Prune(t, i, options, mask))]);
        var factors = tensor([.. weights.Select(w => (float)w)]).view(-1, 1, 1);
        var weighted = pruned * factors;
        if (!options.IsTies) return weighted.sum(dim: 0).MoveToOuterDisposeScope();
        // The election counts the values before they are weighted, as PEFT's does.
        var elected = Elect(pruned, options.MajoritySign);
        return ((weighted * elected).sum(dim: 0) / elected.sum(dim: 0).clamp_min(Scalars.Of(1))).MoveToOuterDisposeScope();
    }

    private static Tensor Prune(Tensor tensor, int index, CombineOptions options, Func<int, Tensor> mask)
    {
        if (!options.Prunes || options.Density is not { } density || density >= 1) return tensor;
        if (options.IsDare) return tensor * mask(index) / Scalars.Of(density);
        var count = (int)(density * tensor.numel());
        var flat = tensor.abs().reshape(-1);
        var (_, largest) = flat.topk(count);
        return tensor * zeros_like(flat).index_fill_(0, largest, Scalars.Of(1)).reshape(tensor.shape);
    }

    private static Tensor Elect(Tensor tensors, MajoritySign method)
    {
        var signs = tensors.sign();
        var sum = (method == MajoritySign.Total ? tensors : signs).sum(dim: 0);
        // A tie, or nothing but zeros, counts as positive; a pruned value has the sign 0 and is never elected.
        var majority = (sum >= Scalars.Of(0)).to(ScalarType.Float32) * Scalars.Of(2) - Scalars.Of(1);
        return signs.eq(majority).to(ScalarType.Float32);
    }
}
