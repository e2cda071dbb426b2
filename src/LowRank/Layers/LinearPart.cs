using LowRank.Quantization;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>What a linear layer computes, for a node that computes several at once: <c>x · Wᵀ + b + s · (x · Aᵀ) · Bᵀ</c>.</summary>
/// <param name="Weight">W <c>[out, in]</c>, frozen.</param>
/// <param name="Bias">b <c>[out]</c>, frozen, or null.</param>
/// <param name="A">A <c>[r, in]</c>, or null without an update.</param>
/// <param name="B">B <c>[out, r]</c>, or null without an update.</param>
/// <param name="Scale">s.</param>
internal sealed record LinearPart(FrozenWeight Weight, Tensor? Bias, Tensor? A = null, Tensor? B = null, double Scale = 1)
{
    /// <summary>f <c>[out]</c>, by which everything but the bias is multiplied (DoRA): <c>f ⊙ (x · Wᵀ + s · (x · Aᵀ) · Bᵀ) + b</c>; null for none.</summary>
    public Tensor? Factors { get; init; }

    /// <summary>Whether A was computed for this part and is no parameter's value, so that it does not follow the parameters.</summary>
    public bool IsComputed { get; init; }
}
