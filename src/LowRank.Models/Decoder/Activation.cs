namespace LowRank.Models.Decoder;

/// <summary>The activation of a gated MLP.</summary>
public enum Activation
{
    /// <summary>x · sigmoid(x), Hugging Face's <c>silu</c>.</summary>
    Silu,

    /// <summary>GELU by its tanh approximation, <c>gelu_pytorch_tanh</c>.</summary>
    GeluTanh,

    /// <summary>GELU by the error function, <c>gelu</c>.</summary>
    Gelu,
}
