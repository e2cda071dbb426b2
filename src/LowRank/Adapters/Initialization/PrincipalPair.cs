using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization;

/// <summary>
/// The start of PiSSA (arXiv:2404.02948): with the r largest singular values of the weight, <c>W ≈ U S Vᵀ</c>, A is <c>√(S/s) Vᵀ</c> and B is <c>U √(S/s)</c>, so that <c>s · B A</c>
/// is the weight's principal part, which is trained, while the rest stays frozen.
/// </summary>
internal static class PrincipalPair
{
    // What the sketch of the fast decomposition begins with. It is no seed of the run: the same weight gives the same pair, whoever asks, so that what belongs to an adapter can be
    // computed again.
    private const ulong SketchSeed = 0;

    /// <summary>A <c>[r, in]</c> and B <c>[out, r]</c> of a weight.</summary>
    /// <param name="weight">fp32 <c>[out, in]</c>.</param>
    /// <param name="rank">r, at most the smaller side.</param>
    /// <param name="scaling">s, above 0.</param>
    /// <param name="iterations">Iterations of the fast decomposition (<c>pissa_niter_N</c>); null for the exact one.</param>
    public static (Tensor A, Tensor B) Of(Tensor weight, int rank, double scaling, int? iterations)
    {
        using var scope = NewDisposeScope();
        var (u, s, vh) = iterations is { } count ? Fast(weight, rank, count) : linalg.svd(weight, fullMatrices: false);
        var root = (s.narrow(0, 0, rank) / Scalars.Of(scaling)).sqrt();
        var a = (root.unsqueeze(1) * vh.narrow(0, 0, rank)).contiguous();
        var b = (u.narrow(1, 0, rank) * root).contiguous();
        return (a.MoveToOuterDisposeScope(), b.MoveToOuterDisposeScope());
    }

    // Algorithms 4.4 and 5.1 of arXiv:0909.4061 without oversampling, as PyTorch's svd_lowrank has them: an orthonormal basis of r columns of the weight's range, which each iteration
    // turns toward the largest singular vectors, and the decomposition of the small matrix that the weight is in that basis.
    private static (Tensor U, Tensor S, Tensor Vh) Fast(Tensor weight, int rank, int iterations)
    {
        using var generator = new Generator(SketchSeed, CPU);
        var sketch = randn([weight.shape[1], rank], ScalarType.Float32, generator: generator).to(weight.device);
        var basis = Orthonormal(weight.mm(sketch));
        for (var i = 0; i < iterations; i++) basis = Orthonormal(weight.mm(Orthonormal(weight.t().mm(basis))));
        var (u, s, vh) = linalg.svd(basis.t().mm(weight), fullMatrices: false);
        return (basis.mm(u), s, vh);
    }

    private static Tensor Orthonormal(Tensor columns) => linalg.qr(columns, linalg.QRMode.Reduced).Q;
}
