namespace LowRank.Adapters;

/// <summary>A module that is trained whole and stored in the adapter (PEFT's <c>modules_to_save</c>).</summary>
/// <param name="Module">The module.</param>
/// <param name="TiedTo">The module whose trained copy it shares (<c>ensure_weight_tying</c>), or null.</param>
public sealed record SavedModule(AdaptableModule Module, string? TiedTo);
