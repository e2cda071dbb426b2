using LowRank.Autograd;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>
/// Root-mean-square normalisation over the last dimension (arXiv:1910.07467), computed in fp32 as Hugging Face's models do:
/// <c>x / sqrt(mean(x²) + ε) · w</c>, or <c>· (1 + w)</c> with <paramref name="unitOffset"/> (the Gemma families).
/// </summary>
/// <param name="weight"><c>[features]</c> in the dtype of the checkpoint; it becomes this layer's.</param>
/// <param name="epsilon">ε.</param>
/// <param name="unitOffset">Whether the stored weight is the distance from one.</param>
public sealed class RmsNorm(Tensor weight, double epsilon, bool unitOffset) : Norm(weight)
{
    private readonly Scalar added = Scalars.Of(epsilon);

    /// <summary>What a normalised value is multiplied by, in fp32: the weight, or one more. <c>[features]</c>.</summary>
    internal Tensor Multiplier()
    {
        var w = Weight.to(ScalarType.Float32);
        return unitOffset ? w.add(Scalars.One, Scalars.One) : w;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        if (RmsNormNode.Handles(x)) return RmsNormNode.Apply(x, Multiplier(), epsilon, roundFirst: !unitOffset).MoveToOuterDisposeScope();
        var wide = x.to(ScalarType.Float32);
        var normed = wide * rsqrt((wide * wide).mean([-1], keepdim: true).add(added, Scalars.One));
        // Llama casts before it multiplies by the weight, Gemma after: it shows in bf16 only.
        var y = unitOffset ? (normed * Weight.to(ScalarType.Float32).add(Scalars.One, Scalars.One)).to(x.dtype) : normed.to(x.dtype) * Weight.to(x.dtype);
        return y.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing) added.Dispose();
    }
}
