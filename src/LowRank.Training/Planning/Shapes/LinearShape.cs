namespace LowRank.Training.Planning.Shapes;

/// <summary>A linear layer of the model, as far as its size matters.</summary>
/// <param name="Name">The name within a layer, such as <c>self_attn.q_proj</c>.</param>
/// <param name="In">Columns of the weight.</param>
/// <param name="Out">Rows of the weight.</param>
/// <param name="HasBias">Whether there is a bias of <paramref name="Out"/> elements.</param>
public sealed record LinearShape(string Name, long In, long Out, bool HasBias)
{
    /// <summary>Elements of the weight.</summary>
    public long Weights => In * Out;
}
