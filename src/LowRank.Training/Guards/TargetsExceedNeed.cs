using LowRank.Adapters;
using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The lecture's E4 and T4: all layers without need cost memory, begin with q and v. Later findings favour all linear layers (arXiv:2305.14314, section 4), and that is the
/// default; so LowRank speaks only where the data is too little to need them and the difference is worth telling, or where q and v alone would fit the memory.
/// </summary>
internal sealed class TargetsExceedNeed : IGuard
{
    private const int FewExamples = 200, ParametersPerToken = 100;
    private const long WorthTelling = 1_000_000;

    public string Id => GuardIds.TargetsExceedNeed;

    public GuardFinding? Before(GuardedRun run)
    {
        var extra = BeyondQueryAndValue(run);
        var few = run.Examples.Count < FewExamples && run.TrainableParameters > ParametersPerToken * run.SupervisedTokens && extra >= WorthTelling;
        if (!few && !TooMuchMemory(run)) return null;
        return new(few ? Text($"{run.Targets.Count} modules are adapted for {run.Examples.Count:N0} examples with {run.SupervisedTokens:N0} tokens to learn.")
                : Text($"Adapting {run.Targets.Count} modules brings the planned peak to {run.NeededBytes / 1e9:0.00} GB, more than 80 % of the {run.UsableBytes / 1e9:0.00} GB that this run may use."),
            Text($"All layers without need cost memory; q and v alone would train {run.TrainableParameters - extra:N0} parameters instead of {run.TrainableParameters:N0} and need {run.StateBytes(extra) / 1e6:N0} MB less for values, gradients and moments, and fewer activations."),
            "Begin with --target qv, and take all-linear when the held-out loss asks for it.");
    }

    /// <summary>Whether q and v would fit the memory, and all that is adapted does not, whatever the rank.</summary>
    internal static bool TooMuchMemory(GuardedRun run) => run.ExceedsMemory() && RankTooHigh.TooMuchMemory(run) is null && !run.ExceedsMemory(run.StateBytes(BeyondQueryAndValue(run)));

    // Parameters of the modules beyond q and v; 0 where there are none, or no q and v.
    private static long BeyondQueryAndValue(GuardedRun run)
    {
        var (extra, beginning) = (0L, 0);
        foreach (var target in run.Targets)
        {
            if (run.QueryAndValue.Any(name => TargetMatcher.Matches(name, target.Module.Name))) beginning++;
            else extra += target.Rank * (target.Module.InFeatures + target.Module.OutFeatures);
        }
        return beginning == 0 ? 0 : extra;
    }
}
