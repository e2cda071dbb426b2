using System.Buffers.Text;

namespace LowRank.Training.Monitoring;

/// <summary>What is used of the processors from one look to the next. Not safe for use by several threads at once.</summary>
internal sealed class ProcessorUse
{
    private const string MachineFile = "/proc/stat";

    // Looks closer together than this say nothing: the kernel counts in hundredths of a second.
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(50);

    private readonly TimeProvider time;
    private long stamp;
    private TimeSpan own;
    private (long Busy, long All)? machine;

    /// <summary>Begins to look.</summary>
    /// <param name="time">The clock.</param>
    public ProcessorUse(TimeProvider time)
    {
        this.time = time;
        (stamp, own, machine) = (time.GetTimestamp(), Environment.CpuUsage.TotalTime, Machine());
    }

    /// <summary>The shares of all processors since the last look, in percent: of this process, and of all together. Null where they are not known.</summary>
    public (double? Own, double? Machine) Take()
    {
        var (now, used, all) = (time.GetTimestamp(), Environment.CpuUsage.TotalTime, Machine());
        var passed = time.GetElapsedTime(stamp, now);
        if (passed < Shortest) return (null, null);
        var share = 100 * (used - own) / passed / Environment.ProcessorCount;
        double? together = machine is { } before && all is { } after && after.All > before.All ? 100.0 * (after.Busy - before.Busy) / (after.All - before.All) : null;
        (stamp, own, machine) = (now, used, all);
        return (Math.Clamp(share, 0, 100), together is { } known ? Math.Clamp(known, 0, 100) : null);
    }

    private static (long Busy, long All)? Machine()
    {
        if (!OperatingSystem.IsLinux()) return null;
        Span<byte> text = stackalloc byte[256];
        using var file = File.OpenHandle(MachineFile);
        return Parse(text[..RandomAccess.Read(file, text, 0)]);
    }

    /// <summary>The first line of <c>/proc/stat</c>, in ticks: user, nice, system, idle, iowait, irq, softirq, steal; guests are counted in user and nice already.</summary>
    internal static (long Busy, long All)? Parse(ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith("cpu "u8)) return null;
        text = text[4..];
        var (all, idle) = (0L, 0L);
        for (var field = 0; field < 8; field++)
        {
            text = text.TrimStart((byte)' ');
            if (!Utf8Parser.TryParse(text, out long ticks, out var length)) return field > 3 ? (all - idle, all) : null;
            text = text[length..];
            all += ticks;
            if (field is 3 or 4) idle += ticks;
        }
        return (all - idle, all);
    }
}
