using LowRank.Runtime.Memory;

namespace LowRank.Optimizers;

/// <summary>How much memory there is for what is not the pages of a paged state, if every other cached file were let go.</summary>
/// <param name="limitBytes">The most that the process should occupy; null leaves it to machine and control group.</param>
internal sealed class MemoryRoom(long? limitBytes)
{
    /// <summary>What should stay free for the next step's activations to vary in: a sixteenth of the memory, at most 256 MiB.</summary>
    public long Margin { get; } = Math.Min(256L << 20, Smallest(limitBytes) / 16);

    /// <summary>Bytes, read from the system.</summary>
    public long Beside()
    {
        var (machine, process) = (MachineMemory.Read(), ProcessMemory.Read());
        var own = process.AnonymousBytes ?? process.ResidentBytes;
        // MemAvailable counts all cached files as free. A group's figure counts only those that nobody uses, and its pages of the state may be either: the limit less
        // the process's own memory is right for a group with one process, which is where such limits are set.
        var room = machine.AvailableBytes;
        if (machine.GroupLimitBytes is { } group) room = Math.Min(room, group - own);
        if (limitBytes is { } limit) room = Math.Min(room, limit - own);
        return room;
    }

    private static long Smallest(long? limit)
    {
        var machine = MachineMemory.Read();
        return Math.Min(limit ?? long.MaxValue, Math.Min(machine.GroupLimitBytes ?? long.MaxValue, machine.TotalBytes));
    }
}
