using LowRank.Runtime.Memory;

namespace LowRank.Optimizers;

/// <summary>
/// How much memory there is for what is not the pages of a paged state, if every other cached file were let go. Between two updates the activations come and go, so
/// what counts is the most that the process had since the update before, not what it has while it updates: it is sampled.
/// </summary>
internal sealed class MemoryRoom : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly long? limitBytes;
    private readonly Timer sampling;
    private long highest;
    private long highestBefore;

    /// <summary>Begins to sample.</summary>
    /// <param name="limitBytes">The most that the process should occupy; null leaves it to machine and control group.</param>
    public MemoryRoom(long? limitBytes)
    {
        this.limitBytes = limitBytes;
        var machine = MachineMemory.Read();
        Margin = Math.Min(256L << 20, Math.Min(limitBytes ?? long.MaxValue, Math.Min(machine.GroupLimitBytes ?? long.MaxValue, machine.TotalBytes)) / 16);
        sampling = new Timer(_ => Sample(), null, Interval, Interval);
    }

    /// <summary>What should stay free for batches of other sizes: a sixteenth of the memory, at most 256 MiB.</summary>
    public long Margin { get; }

    /// <summary>Bytes, read from the system.</summary>
    public long Beside()
    {
        var (machine, own) = (MachineMemory.Read(), Sample());
        var most = Math.Max(Interlocked.Read(ref highest), Interlocked.Read(ref highestBefore));
        // MemAvailable counts all cached files as free. A group's figure counts only those that nobody uses, and its pages of the state may be either: the limit less
        // the process's own memory is right for a group with one process, which is where such limits are set.
        var room = machine.AvailableBytes - (most - own);
        if (machine.GroupLimitBytes is { } group) room = Math.Min(room, group - most);
        return limitBytes is { } limit ? Math.Min(room, limit - most) : room;
    }

    /// <summary>An update is over: what comes next counts anew, and once more what came before.</summary>
    public void EndStep() => Interlocked.Exchange(ref highestBefore, Interlocked.Exchange(ref highest, 0));

    private long Sample()
    {
        var process = ProcessMemory.Read();
        var own = process.AnonymousBytes ?? process.ResidentBytes;
        for (var seen = Interlocked.Read(ref highest); own > seen; seen = Interlocked.Read(ref highest)) Interlocked.CompareExchange(ref highest, own, seen);
        return own;
    }

    /// <inheritdoc/>
    public void Dispose() => sampling.Dispose();
}
