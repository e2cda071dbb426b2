namespace LowRank.Adapters;

/// <summary>What a configuration means for one model.</summary>
/// <param name="Targets">The modules that are adapted, in the model's order.</param>
/// <param name="ModulesToSave">The modules that are trained whole, in the model's order.</param>
/// <param name="Config">The configuration with <c>all-linear</c>, presets and family defaults replaced by names, as it is saved.</param>
/// <param name="Warnings">What a user should know although it is allowed, each a sentence.</param>
public sealed record TargetSelection(
    IReadOnlyList<AdapterTarget> Targets, IReadOnlyList<SavedModule> ModulesToSave, AdapterConfig Config, IReadOnlyList<string> Warnings)
{
    /// <summary>The modules of which some rows are trained, in the model's order.</summary>
    public IReadOnlyList<TokenTarget> Tokens { get; init; } = [];
}
