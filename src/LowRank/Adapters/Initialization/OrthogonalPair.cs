using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization;

/// <summary>
/// The orthogonal start of LoRA as PEFT's <c>orthogonal_init</c> has it: the rows of A lie in the odd rows of one orthogonal matrix Q and the columns of B in its even rows, so that
/// neither is zero and yet <c>B A = 0</c>.
/// </summary>
internal static class OrthogonalPair
{
    /// <summary>A <c>[r, in]</c> and B <c>[out, r]</c> from standard normal draws; r is even.</summary>
    /// <param name="square"><c>[r, r]</c>, whose QR decomposition gives Q.</param>
    /// <param name="forA"><c>[in, r / 2]</c>.</param>
    /// <param name="forB"><c>[r / 2, out]</c>.</param>
    public static (Tensor A, Tensor B) Of(Tensor square, Tensor forA, Tensor forB)
    {
        using var scope = NewDisposeScope();
        var q = linalg.qr(square, linalg.QRMode.Reduced).Q;
        var (odd, even) = (q[TensorIndex.Slice(0, null, 2)], q[TensorIndex.Slice(1, null, 2)]);
        var a = (forA.mm(odd).t() / Scalars.Of(10)).contiguous();
        var b = (forB.t().mm(even) / Scalars.Of(10)).contiguous();
        return (a.MoveToOuterDisposeScope(), b.MoveToOuterDisposeScope());
    }
}
