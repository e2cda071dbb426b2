using System.Diagnostics;

namespace LowRank.Runtime.Memory;

/// <summary>What this process occupies in physical memory, in bytes.</summary>
public sealed record ProcessMemory
{
    /// <summary>Resident now, mapped files included (Linux: <c>VmRSS</c>).</summary>
    public required long ResidentBytes { get; init; }

    /// <summary>The most that was resident since the process began (Linux: <c>VmHWM</c>).</summary>
    public required long PeakResidentBytes { get; init; }

    /// <summary>Resident without the pages of mapped files (Linux: <c>RssAnon</c>); null where the system does not tell.</summary>
    public required long? AnonymousBytes { get; init; }

    /// <summary>Reads the current values.</summary>
    public static ProcessMemory Read()
    {
        if (OperatingSystem.IsLinux())
        {
            var status = KernelTable.Read("/proc/self/status");
            if (status.TryGetValue("VmRSS", out var resident) && status.TryGetValue("VmHWM", out var peak))
                return new() { ResidentBytes = resident, PeakResidentBytes = Math.Max(peak, resident), AnonymousBytes = status.TryGetValue("RssAnon", out var own) ? own : null };
        }
        using var process = Process.GetCurrentProcess();
        return new() { ResidentBytes = process.WorkingSet64, PeakResidentBytes = Math.Max(process.PeakWorkingSet64, process.WorkingSet64), AnonymousBytes = null };
    }
}
