using LowRank.Layers;

namespace LowRank.Training.Planning.Shapes;

/// <summary>A linear layer of the model, as far as its size matters.</summary>
/// <param name="Name">The name within a layer, such as <c>self_attn.q_proj</c>.</param>
/// <param name="In">Columns of the weight.</param>
/// <param name="Out">Rows of the weight.</param>
/// <param name="HasBias">Whether there is a bias of <paramref name="Out"/> elements.</param>
/// <param name="Role">What it is for: a router is not quantized, and a token passes only some of the experts.</param>
public sealed record LinearShape(string Name, long In, long Out, bool HasBias, LinearRole Role = LinearRole.Layer)
{
    /// <summary>Elements of the weight.</summary>
    public long Weights => In * Out;
}
