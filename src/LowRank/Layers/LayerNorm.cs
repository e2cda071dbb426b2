using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>Layer normalisation over the last dimension (arXiv:1607.06450): <c>(x − mean(x)) / sqrt(var(x) + ε) · w + b</c>, as torch computes it in the dtype of its input.</summary>
/// <param name="weight"><c>[features]</c> in the dtype of the checkpoint; it becomes this layer's.</param>
/// <param name="bias"><c>[features]</c>, or null; it becomes this layer's.</param>
/// <param name="epsilon">ε.</param>
public sealed class LayerNorm(Tensor weight, Tensor? bias, double epsilon) : Norm(weight, bias)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (w, b) = (Cast(Weight, x.dtype), Bias is { } given ? Cast(given, x.dtype) : null);
        return nn.functional.layer_norm(x, [x.shape[^1]], w, b, epsilon).MoveToOuterDisposeScope();
    }

    // A new handle either way, so that the scope of the pass frees no tensor of the layer.
    private static Tensor Cast(Tensor t, ScalarType dtype) => t.dtype == dtype ? t.alias() : t.to(dtype);
}
