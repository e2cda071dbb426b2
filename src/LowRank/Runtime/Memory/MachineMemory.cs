namespace LowRank.Runtime.Memory;

/// <summary>The memory of the machine and what this process may still take of it, in bytes.</summary>
public sealed record MachineMemory
{
    /// <summary>Physical memory.</summary>
    public required long TotalBytes { get; init; }

    /// <summary>What can be allocated without swapping (Linux: <c>MemAvailable</c>).</summary>
    public required long AvailableBytes { get; init; }

    /// <summary>The limit of the control group (container, job) that the process runs in; null without one.</summary>
    public required long? GroupLimitBytes { get; init; }

    /// <summary>What the control group has left below its limit, counting cached files as free; null without a limit.</summary>
    public required long? GroupAvailableBytes { get; init; }

    /// <summary>What this process may still take: the lesser of <see cref="AvailableBytes"/> and <see cref="GroupAvailableBytes"/>.</summary>
    public long UsableBytes => Math.Min(AvailableBytes, GroupAvailableBytes ?? long.MaxValue);

    /// <summary>Reads the current values.</summary>
    public static MachineMemory Read()
    {
        if (OperatingSystem.IsLinux())
        {
            var table = KernelTable.Read("/proc/meminfo");
            if (table.TryGetValue("MemTotal", out var total) && table.TryGetValue("MemAvailable", out var available))
            {
                var group = ControlGroup.Read("/proc/self/cgroup", "/sys/fs/cgroup", total);
                return new() { TotalBytes = total, AvailableBytes = available, GroupLimitBytes = group?.LimitBytes, GroupAvailableBytes = group?.AvailableBytes };
            }
        }
        // The collector's view: it knows the physical memory, the load, and the limits of Windows jobs.
        var info = GC.GetGCMemoryInfo();
        var free = Math.Max(0, info.TotalAvailableMemoryBytes - info.MemoryLoadBytes);
        return new() { TotalBytes = info.TotalAvailableMemoryBytes, AvailableBytes = free, GroupLimitBytes = null, GroupAvailableBytes = null };
    }
}
