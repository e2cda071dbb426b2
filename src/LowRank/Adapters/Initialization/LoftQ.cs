using LowRank.Adapters.Combining;
using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization;

/// <summary>
/// The start of LoftQ (arXiv:2310.08659, algorithm 1): a 4-bit weight Q and a pair A, B with <c>Q + B A ≈ W</c>. In turn the weight less the pair is quantized, and the pair becomes the
/// best of its rank for what quantization lost. As in PEFT the scaling of the update does not enter: the sum is the weight where alpha is the rank. Over a base that stays as it is,
/// <see cref="OfBase"/> takes the second step alone, as PEFT's <c>replace_lora_weights_loftq</c> does.
/// </summary>
internal static class LoftQ
{
    // Up to this shorter side a matrix is decomposed whole. What quantizing loses is near noise, of which a rank holds little anyway: beyond it random directions and power iterations
    // find nearly as much in a fraction of the time.
    private const long ExactSide = 512;

    /// <summary>
    /// A <c>[r, in]</c> and B <c>[out, r]</c> over a base Q that is not changed: <c>s · B A</c> is the best approximation of W − Q of rank r, with the root of each singular value on both
    /// sides. Both are fp32, on Q's device, and the caller's.
    /// </summary>
    /// <param name="weight">W <c>[out, in]</c>, fp32, on any device.</param>
    /// <param name="quantized">Q.</param>
    /// <param name="rank">r, at most the smaller side.</param>
    /// <param name="scaling">s, above 0.</param>
    public static (Tensor A, Tensor B) OfBase(Tensor weight, FrozenWeight quantized, int rank, double scaling)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var lost = weight.to(quantized.Device) - quantized.Dequantize(0, quantized.OutFeatures);
        using var best = Math.Min(lost.shape[0], lost.shape[1]) <= ExactSide ? TruncatedSvd.Exact(lost, rank) : TruncatedSvd.Randomized(lost, rank, seed: 0);
        // The singular values stand in B, whose columns are else of length one; one that is zero has no direction.
        var root = best.B.pow(Scalars.Of(2)).sum([0]).sqrt_().div_(Scalars.Of(scaling)).sqrt_();
        var (a, b) = (best.A * root.unsqueeze(1), best.B / (root * Scalars.Of(scaling)).clamp_min(Scalars.Of(float.Epsilon)));
        return (a.MoveToOuterDisposeScope(), b.MoveToOuterDisposeScope());
    }

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
