namespace LowRank.Adapters;

/// <summary>An embedding or head of which some rows are trained (PEFT's <c>trainable_token_indices</c>).</summary>
/// <param name="Module">The module.</param>
/// <param name="Tokens">The rows, in the order of the configuration.</param>
/// <param name="TiedTo">The embedding whose trained rows a head uses that shares its weight, or null.</param>
public sealed record TokenTarget(AdaptableModule Module, IReadOnlyList<int> Tokens, string? TiedTo);
