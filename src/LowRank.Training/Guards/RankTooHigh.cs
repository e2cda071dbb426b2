using LowRank.Adapters;
using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The lecture's E1: a rank that is too high costs memory and overfits. Its C3 gives ranks by examples (under 1,000: begin with 8; to 10,000: 16 or 32; more: 64 or 128); LowRank
/// speaks above twice the beginner's rank, and only where the adapter also has more parameters than there are tokens to learn (the capacity rule). A pair that is as large as its
/// matrix, and a rank that alone exceeds 80 % of the memory (T5), are told whatever the data.
/// </summary>
internal sealed class RankTooHigh : IGuard
{
    private const int SmallRank = 8;

    public string Id => GuardIds.RankTooHigh;

    public GuardFinding? Before(GuardedRun run) => run.Targets.Count == 0 ? null : AsLargeAsTheMatrix(run) ?? TooMuchMemory(run) ?? TooMuchForTheData(run);

    private static GuardFinding? AsLargeAsTheMatrix(GuardedRun run)
    {
        if (run.Targets.FirstOrDefault(t => Pair(t) >= t.Module.InFeatures * t.Module.OutFeatures) is not { } target) return null;
        var (rows, columns) = (target.Module.OutFeatures, target.Module.InFeatures);
        return new(Text($"At rank {target.Rank} the pair for {target.Module.Name} [{rows}, {columns}] has {Pair(target):N0} parameters, no fewer than the matrix itself ({rows * columns:N0})."),
            "A low-rank update saves only while r(in + out) is less than in · out.",
            Text($"Take a rank well below {rows * columns / (rows + columns)}; 8 to 16 is where to begin."));
    }

    /// <summary>That the rank alone exceeds the memory, or null.</summary>
    internal static GuardFinding? TooMuchMemory(GuardedRun run)
    {
        var largest = run.Targets.Count == 0 ? 0 : run.Targets.Max(t => t.Rank);
        if (largest <= SmallRank || !run.ExceedsMemory()) return null;
        var saved = run.StateBytes(run.Targets.Sum(t => Math.Max(0, t.Rank - SmallRank) * (t.Module.InFeatures + t.Module.OutFeatures)));
        if (run.ExceedsMemory(saved)) return null;
        return new(Text($"Rank {largest} brings the planned peak to {run.NeededBytes / 1e9:0.00} GB, more than 80 % of the {run.UsableBytes / 1e9:0.00} GB that this run may use."),
            "A rank that is too high runs out of memory, and on a processor that is a kill, not an exception; a fifth should stay free.",
            Text($"Take --rank {SmallRank}, which needs {saved / 1e9:0.00} GB less, or see lowrank plan."));
    }

    private static GuardFinding? TooMuchForTheData(GuardedRun run)
    {
        var largest = run.Targets.Max(t => t.Rank);
        var (allowed, advice) = run.Examples.Count switch { < 1_000 => (16, "8"), <= 10_000 => (32, "16 or 32"), _ => (128, "64 or 128") };
        if (largest <= allowed || run.TrainableParameters <= run.SupervisedTokens) return null;
        return new(Text($"Rank {largest} is high for {run.Examples.Count:N0} examples: {run.TrainableParameters:N0} parameters would learn from {run.SupervisedTokens:N0} tokens."),
            "An adapter with more parameters than there are tokens to learn can know them by heart: it overfits.",
            $"Begin with --rank {advice} and raise it while the held-out loss falls (--validation 0.1).");
    }

    private static long Pair(AdapterTarget target) => target.Rank * (target.Module.InFeatures + target.Module.OutFeatures);
}
