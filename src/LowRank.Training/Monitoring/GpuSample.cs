namespace LowRank.Training.Monitoring;

/// <summary>A GPU at one moment, as NVML tells of it. What the driver does not tell is null. Immutable.</summary>
public sealed record GpuSample
{
    /// <summary>NVML's number, which is that of <c>nvidia-smi</c>; libtorch counts only the visible ones, in an order of its own.</summary>
    public required int Index { get; init; }

    /// <summary>The maker's name.</summary>
    public string? Name { get; init; }

    /// <summary>The address on the PCI bus, such as <c>00000000:1B:00.0</c>.</summary>
    public string? PciBusId { get; init; }

    /// <summary>Memory in use by all processes, in bytes, without what the driver keeps for itself.</summary>
    public long? MemoryUsedBytes { get; init; }

    /// <summary>All memory, in bytes.</summary>
    public long? MemoryTotalBytes { get; init; }

    /// <summary>The share of the last sampling period (up to a second) in which a kernel ran, in percent.</summary>
    public int? UtilisationPercent { get; init; }

    /// <summary>The temperature of the chip, in degrees Celsius.</summary>
    public int? TemperatureCelsius { get; init; }

    /// <summary>The power that it draws, in watts.</summary>
    public double? PowerWatts { get; init; }

    /// <summary>The power that it may draw, in watts.</summary>
    public double? PowerLimitWatts { get; init; }

    /// <summary>The speed of the fan, in percent of its highest; null for a card without one.</summary>
    public int? FanPercent { get; init; }

    /// <summary>The processes that compute on it; null where the driver does not tell, as in some containers.</summary>
    public IReadOnlyList<GpuProcess>? Processes { get; init; }

    /// <summary>Whether the run that was sampled computes on it.</summary>
    public bool IsOwn { get; init; }

    /// <summary>What a process holds of the memory, in bytes; where the driver does not name it, as in a container, what all processes hold. Null where it tells neither.</summary>
    internal long? HeldBy(int process) => Processes?.FirstOrDefault(p => p.Id == process).MemoryBytes ?? MemoryUsedBytes;
}
