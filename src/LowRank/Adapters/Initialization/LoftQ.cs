using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization;

/// <summary>
/// The start of LoftQ (arXiv:2310.08659, algorithm 1): a 4-bit weight Q and a pair A, B with <c>Q + B A ≈ W</c>. In turn the weight less the pair is quantized, and the pair becomes the
/// best of its rank for what quantization lost. As in PEFT the scaling of the update does not enter: the sum is the weight where alpha is the rank.
/// </summary>
internal static class LoftQ
{
    /// <summary>Q, A <c>[r, in]</c> and B <c>[out, r]</c>; all are the caller's.</summary>
    /// <param name="weight">W <c>[out, in]</c>, fp32 on the CPU.</param>
    /// <param name="rank">r, at most the smaller side.</param>
    /// <param name="iterations">How often both steps are taken, from 1.</param>
    /// <param name="options">The form of Q; PEFT's has no quantized scales.</param>
    /// <param name="name">The weight's name, for errors.</param>
    public static unsafe (FourBitWeight Base, Tensor A, Tensor B) Of(Tensor weight, int rank, int iterations, FourBitOptions options, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (rows, columns) = (weight.shape[0], weight.shape[1]);
        var rest = weight.contiguous();
        for (var i = 1; ; i++)
        {
            var quantized = FourBitWeight.Quantize((byte*)TensorMemory.DataPointer(rest), TensorType.F32, rows, columns, options, name);
            var (u, s, vh) = linalg.svd(weight - quantized.Dequantize(0, rows), fullMatrices: false);
            var root = s.narrow(0, 0, rank).sqrt();
            var (a, b) = (root.unsqueeze(1) * vh.narrow(0, 0, rank), u.narrow(1, 0, rank) * root);
            if (i == iterations) return (quantized, a.MoveToOuterDisposeScope(), b.MoveToOuterDisposeScope());
            quantized.Dispose();
            rest = weight - b.mm(a);
        }
    }
}
