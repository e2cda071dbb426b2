using LowRank.Runtime.Memory;
using LowRank.Training.Monitoring;
using LowRank.Training.Monitoring.Jobs;
using LowRank.Training.Monitoring.Nvml;

namespace LowRank.Cli.Monitoring;

/// <summary>What <c>lowrank top</c> shows: the running jobs of the user, the memory of the machine, and its GPUs.</summary>
internal sealed record TopSnapshot
{
    /// <summary>The jobs, the oldest first.</summary>
    public required IReadOnlyList<JobStatus> Jobs { get; init; }

    /// <summary>Physical memory of the machine, or the limit of its control group where that is less, in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>What is left of it, in bytes.</summary>
    public required long MemoryLeftBytes { get; init; }

    /// <summary>What is used of all processors, in percent; null at first, and where the system does not tell.</summary>
    public double? ProcessorPercent { get; init; }

    /// <summary>The GPUs.</summary>
    public required IReadOnlyList<GpuSample> Gpus { get; init; }

    /// <summary>Why there are none, or null.</summary>
    public string? NoGpus { get; init; }

    /// <summary>Looks at everything.</summary>
    public static TopSnapshot Take(JobRegistry registry, ProcessorUse processors, NvmlDevices? gpus, string? noGpus, TimeProvider time)
    {
        var machine = MachineMemory.Read();
        return new TopSnapshot
        {
            Jobs = [.. registry.List().Select(e => JobStatus.Of(e, time)).OfType<JobStatus>()],
            MemoryBytes = Math.Min(machine.TotalBytes, machine.GroupLimitBytes ?? long.MaxValue),
            MemoryLeftBytes = machine.UsableBytes,
            ProcessorPercent = processors.Take().Machine,
            Gpus = gpus?.Read() ?? [],
            NoGpus = noGpus,
        };
    }
}
