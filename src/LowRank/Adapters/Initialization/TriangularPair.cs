using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization;

/// <summary>The start of OLoRA (arXiv:2406.01775): with the QR decomposition <c>W = Q R</c>, B is the first r columns of Q and A the first r rows of R. The scaling does not enter.</summary>
internal static class TriangularPair
{
    /// <summary>A <c>[r, in]</c> and B <c>[out, r]</c> of a weight.</summary>
    /// <param name="weight">fp32 <c>[out, in]</c>.</param>
    /// <param name="rank">r, at most the smaller side.</param>
    public static (Tensor A, Tensor B) Of(Tensor weight, int rank)
    {
        using var scope = NewDisposeScope();
        var (q, r) = linalg.qr(weight, linalg.QRMode.Reduced);
        return (r.narrow(0, 0, rank).contiguous().MoveToOuterDisposeScope(), q.narrow(1, 0, rank).contiguous().MoveToOuterDisposeScope());
    }
}
