using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Dora;

/// <summary>
/// The lengths of the rows of W + s · B A without that matrix: <c>‖W + s B A‖² = ‖W‖² + 2 s ⟨W, B A⟩ + s² ‖B A‖²</c>, row by row. ‖W‖² is computed once; ⟨W, B A⟩ is
/// B beside A Wᵀ, a product of r rows with the frozen weight in whatever form it is stored; ‖B A‖² is B (A Aᵀ) beside B.
/// </summary>
internal sealed class RowNorms : IDisposable
{
    // Rows of W that are in memory at once while their lengths are taken.
    private const long Rows = 1024;

    private readonly FrozenWeight weight;
    private readonly Tensor squares;

    /// <summary>Takes the lengths of the rows of a weight <c>[out, in]</c>.</summary>
    public RowNorms(FrozenWeight weight)
    {
        this.weight = weight;
        using var noGrad = no_grad();
        squares = empty([weight.OutFeatures], ScalarType.Float32, weight.Device).DetachFromDisposeScope();
        for (long from = 0; from < weight.OutFeatures; from += Rows)
        {
            using var scope = NewDisposeScope();
            var rows = weight.Dequantize(from, Math.Min(Rows, weight.OutFeatures - from));
            squares.narrow(0, from, rows.shape[0]).copy_(rows.mul_(rows).sum(1));
        }
    }

    /// <summary>The lengths for A <c>[r, in]</c> and B <c>[out, r]</c>: fp32 <c>[out]</c>, without a graph.</summary>
    public Tensor Of(Tensor a, Tensor b, double scaling)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var crossed = (weight.Linear(a).t() * b).sum(1);
        var own = (b.mm(a.mm(a.t())) * b).sum(1);
        return squares.add(crossed * Scalars.Of(2 * scaling), Scalars.One).add(own * Scalars.Of(scaling * scaling), Scalars.One).clamp_min_(Scalars.Of(0)).sqrt_().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => squares.Dispose();
}
