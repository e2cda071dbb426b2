using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The lecture's T5: a fifth of the memory stays free. Where a smaller rank or fewer modules would see to that, <see cref="RankTooHigh"/> or <see cref="TargetsExceedNeed"/> says so,
/// and this guard keeps quiet.
/// </summary>
internal sealed class MemoryTight : IGuard
{
    public string Id => GuardIds.MemoryTight;

    public GuardFinding? Before(GuardedRun run)
    {
        if (!run.ExceedsMemory() || RankTooHigh.TooMuchMemory(run) is not null || TargetsExceedNeed.TooMuchMemory(run)) return null;
        var (planned, usable) = (run.NeededBytes!.Value, run.UsableBytes!.Value);
        return new(Text($"The run is planned to need {planned / 1e9:0.00} GB, {100.0 * planned / usable:0} % of the {usable / 1e9:0.00} GB that it may use{(planned > usable ? " (--force: it runs all the same)" : "")}."),
            "Plans err by some percent, and other programs want memory too: leave 20 % free. On a processor running out of it is a kill, not an exception.",
            "Take a smaller --batch with more --accumulate, a shorter --max-length, --checkpointing full or --method qlora; lowrank plan shows what each saves.");
    }
}
