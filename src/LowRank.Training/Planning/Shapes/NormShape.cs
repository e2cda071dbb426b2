namespace LowRank.Training.Planning.Shapes;

/// <summary>A norm of a layer, as far as its size matters.</summary>
/// <param name="Name">The name within a layer, such as <c>input_layernorm</c>.</param>
/// <param name="Features">Elements of the weight.</param>
/// <param name="HasBias">Whether there is a bias of as many.</param>
public sealed record NormShape(string Name, long Features, bool HasBias)
{
    /// <summary>Elements of weight and bias.</summary>
    public long Weights => HasBias ? 2 * Features : Features;
}
