namespace LowRank.Adapters;

/// <summary>The tokens whose rows are trained (PEFT's <c>trainable_token_indices</c>).</summary>
/// <param name="ByModule">The tokens of each module, by its name or the ending of it; the name is empty where the file has a list alone, which is of the token embedding.</param>
public sealed record TrainableTokens(OrderedDictionary<string, IReadOnlyList<int>> ByModule)
{
    /// <summary>Tokens of the token embedding, and of the head where it shares its weight.</summary>
    public static TrainableTokens Of(params IReadOnlyList<int> tokens) => new(new OrderedDictionary<string, IReadOnlyList<int>>(StringComparer.Ordinal) { [""] = tokens });
}
