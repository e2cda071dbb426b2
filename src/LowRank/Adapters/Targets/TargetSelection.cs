namespace LowRank.Adapters;

/// <summary>What a configuration means for one model.</summary>
/// <param name="Targets">The modules that get a pair of matrices, in the model's order.</param>
/// <param name="ModulesToSave">The modules that are trained whole, in the model's order.</param>
/// <param name="Config">The configuration with <c>all-linear</c>, presets and family defaults replaced by names, as it is saved.</param>
/// <param name="Warnings">What a user should know although it is allowed, each a sentence.</param>
public sealed record TargetSelection(
    IReadOnlyList<LoraTarget> Targets, IReadOnlyList<SavedModule> ModulesToSave, LoraConfig Config, IReadOnlyList<string> Warnings);
