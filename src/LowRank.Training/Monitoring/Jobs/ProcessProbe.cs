using System.ComponentModel;
using System.Diagnostics;

namespace LowRank.Training.Monitoring.Jobs;

/// <summary>Another process as it is now.</summary>
/// <param name="Started">When it began.</param>
/// <param name="ResidentBytes">Its resident memory, in bytes.</param>
/// <param name="ProcessorTime">What it used of the processors so far.</param>
internal sealed record ProcessProbe(DateTimeOffset Started, long ResidentBytes, TimeSpan ProcessorTime)
{
    // .NET derives the time of a start from the time since boot, which two processes read at two moments.
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(2);

    /// <summary>Whether it is the process that began then, and not another with its number.</summary>
    public bool IsSame(DateTimeOffset started) => (Started - started).Duration() < Tolerance;

    /// <summary>Looks at a process; null where there is none of this number, or it may not be looked at.</summary>
    public static ProcessProbe? Of(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            // A process that has ended and whose parent has not asked yet still has its number, but no memory.
            return process.HasExited || process.WorkingSet64 == 0 ? null : new ProcessProbe(process.StartTime, process.WorkingSet64, process.TotalProcessorTime);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or Win32Exception or NotSupportedException)
        {
            return null;
        }
    }
}
