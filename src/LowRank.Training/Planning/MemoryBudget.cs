using LowRank.Runtime.Memory;

namespace LowRank.Training.Planning;

/// <summary>What this process may occupy in all.</summary>
/// <param name="Bytes">Bytes, with what it occupies already.</param>
/// <param name="Origin">Which limit it is, as text.</param>
public sealed record MemoryBudget(long Bytes, string Origin)
{
    /// <summary>The share of it that a run should use: the rest is headroom (the lecture's rule of 80 %).</summary>
    public const double UsableShare = 0.8;

    /// <summary>The bytes that a run should use at most.</summary>
    public long Usable => (long)(Bytes * UsableShare);

    /// <summary>The least of what the system has, what the control group allows, and a limit of the user.</summary>
    /// <param name="memory">The user's limit, such as 8GB, or null.</param>
    /// <exception cref="LowRankException">The limit is no amount of memory.</exception>
    public static MemoryBudget Of(string? memory)
    {
        var (machine, own) = (MachineMemory.Read(), ProcessMemory.Read().ResidentBytes);
        var budget = machine.GroupAvailableBytes is { } group && group < machine.AvailableBytes
            ? new MemoryBudget(group + own, $"left of the control group's {MemorySize.Gigabytes(machine.GroupLimitBytes ?? 0)}")
            : new MemoryBudget(machine.AvailableBytes + own, $"free of this machine's {MemorySize.Gigabytes(machine.TotalBytes)}");
        return memory is not null && MemorySize.Parse(memory, "--memory") is var limit && limit < budget.Bytes ? new MemoryBudget(limit, "of --memory") : budget;
    }
}
