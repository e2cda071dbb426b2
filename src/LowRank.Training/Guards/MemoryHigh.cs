using LowRank.Training.Events;
using LowRank.Training.Monitoring;
using LowRank.Training.Planning;
using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>The lecture's T5 by measurement: while the run goes on, more than 80 % of what bounds it is in use, be it the memory of its GPU, its control group's limit or <c>--memory</c>.</summary>
internal sealed class MemoryHigh : IGuard
{
    /// <summary>Below this share of a control group's limit it is others who fill it, and no setting of this run would help.</summary>
    private const double OwnShare = 0.1;

    public string Id => GuardIds.MemoryHigh;

    public GuardFinding? During(TrainingEvent happened, GuardedRun run)
    {
        if (happened is not MachineSampled sample) return null;
        if (sample.Gpus.FirstOrDefault(IsFull) is { } gpu)
            return Tell(gpu.MemoryUsedBytes!.Value, gpu.MemoryTotalBytes!.Value, $"GPU {gpu.Index}", "What comes on top, a longer row or another program, ends in an out-of-memory error.");
        return sample is { MemoryInUseBytes: { } used, MemoryLimitBytes: { } limit } && used > MemoryBudget.UsableShare * limit && sample.ResidentBytes > OwnShare * limit
            ? Tell(used, limit, sample.MemoryLimitOrigin!, "What comes on top, a longer row or another program, can end the process: on a processor running out of memory is a kill, not an exception.") : null;
    }

    private static bool IsFull(GpuSample gpu) => gpu is { IsOwn: true, MemoryUsedBytes: { } used, MemoryTotalBytes: { } total } && used > MemoryBudget.UsableShare * total;

    private static GuardFinding Tell(long used, long limit, string whose, string why) =>
        new(Text($"{used / 1e9:0.00} GB of the {limit / 1e9:0.00} GB of {whose} are in use ({100.0 * used / limit:0} %)."), why,
            "Where memory does not suffice for a step, its batch is split (--on-oom split). Take a smaller --batch with more --accumulate, --checkpointing full or --method qlora next time.");
}
