using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Combining;

/// <summary>Combines the matrices of one module after another.</summary>
internal sealed class ModuleCombiner(CombineOptions options, PruningMask mask)
{
    private double keptSquares;
    private double allSquares;

    /// <summary>The share of the Frobenius norm that the rank left so far; null where nothing is cut.</summary>
    public double? Kept => !options.IsSvd ? null : allSquares == 0 ? 1 : Math.Min(1, Math.Sqrt(keptSquares / allSquares));

    /// <summary>A <c>[rank, in]</c> and B <c>[out, rank]</c> of the new adapter, with scaling 1, in the current dispose scope.</summary>
    public (Tensor A, Tensor B) Combine(string module, int rank, IReadOnlyList<CombineSource> sources)
    {
        var read = sources.Select(s => s.Read(module)).ToList();
        double[] factors = [.. sources.Select(s => s.Weight * s.ScalingOf(module))];
        if (options.NeedsEqualRanks)
        {
            // The sign of a negative weight stands on one side only: on both it would cancel.
            double[] roots = [.. factors.Select(f => Math.Sqrt(Math.Abs(f)))];
            double[] signed = [.. factors.Select((f, i) => f < 0 ? -roots[i] : roots[i])];
            return (Mix([.. read.Select(r => r.A)], signed, "A"), Mix([.. read.Select(r => r.B)], roots, "B"));
        }
        if (options.Method is CombinationMethod.Cat or CombinationMethod.Svd)
        {
            var (a, b) = (cat([.. read.Select((r, i) => r.A * Scalars.Of((float)factors[i]))], 0), cat([.. read.Select(r => r.B)], 1));
            return options.Method == CombinationMethod.Cat ? (a, b) : Cut(TruncatedSvd.OfProduct(a, b, rank));
        }
        // TIES elects signs of the updates with their scaling, before the weights.
        Tensor[] updates = [.. read.Select((r, i) => r.B.mm(r.A) * Scalars.Of((float)sources[i].ScalingOf(module)))];
        return Cut(TruncatedSvd.Exact(Mix(updates, [.. sources.Select(s => s.Weight)], "delta"), rank));

        Tensor Mix(Tensor[] tensors, double[] weights, string side) =>
            TaskTensors.Combine(tensors, weights, options, i => mask(sources[i].Name, module, side, tensors[i].shape, options.Density!.Value));
    }

    private (Tensor A, Tensor B) Cut(TruncatedSvd svd)
    {
        (keptSquares, allSquares) = (keptSquares + svd.KeptSquares, allSquares + svd.AllSquares);
        return (svd.A, svd.B);
    }
}
