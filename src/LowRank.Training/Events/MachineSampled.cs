using LowRank.Training.Monitoring;

namespace LowRank.Training.Events;

/// <summary>The machine was looked at, as it is every few seconds of a run, on a thread of its own. It is told behind the step that was being taken then.</summary>
public sealed record MachineSampled : TrainingEvent
{
    /// <summary>Time since the run began in this process.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>What this process used of all processors since the last look, in percent: 100 is all of them. Null where the system does not tell.</summary>
    public double? ProcessorPercent { get; init; }

    /// <summary>What all processes used of them, in percent; null where the system does not tell.</summary>
    public double? MachineProcessorPercent { get; init; }

    /// <summary>Resident memory of the process, in bytes.</summary>
    public required long ResidentBytes { get; init; }

    /// <summary>Bytes in use of <see cref="MemoryLimitBytes"/>; null without a limit.</summary>
    public long? MemoryInUseBytes { get; init; }

    /// <summary>The limit that the process is nearest to, in bytes: that of its control group or of <c>--memory</c>. Null without one.</summary>
    public long? MemoryLimitBytes { get; init; }

    /// <summary>Whose limit that is: <c>the control group</c> or <c>--memory</c>.</summary>
    public string? MemoryLimitOrigin { get; init; }

    /// <summary>The GPUs of the machine; none without NVML.</summary>
    public IReadOnlyList<GpuSample> Gpus { get; init; } = [];
}
