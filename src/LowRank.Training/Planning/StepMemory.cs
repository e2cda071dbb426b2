using LowRank.Runtime.Memory;

namespace LowRank.Training.Planning;

/// <summary>Looks before a step whether memory suffices for it: what other programs took since the run was planned shows here, before the system ends the process.</summary>
internal static class StepMemory
{
    /// <summary>What is wrong, with what to do, or null.</summary>
    /// <param name="needed">Bytes of the process at its peak, without those that a paged optimizer's file can take.</param>
    /// <param name="paged">Bytes that such a file holds; 0 without one.</param>
    /// <param name="machine">What is free now.</param>
    /// <param name="process">What the process occupies now.</param>
    public static string? Problem(long needed, long paged, MachineMemory machine, ProcessMemory process) => Shortage(needed, paged, machine, process) is not { } shortage ? null
        : $"{shortage}: another program took them. Free some and go on with --resume, or begin a run with a smaller --batch or --checkpointing full; --force does not look.";

    /// <summary>What is wrong in numbers, a sentence without its full stop, or null. The parameters are those of <see cref="Problem"/>.</summary>
    public static string? Shortage(long needed, long paged, MachineMemory machine, ProcessMemory process)
    {
        // Pages of the optimizer's file are resident after a step, but are no part of what is needed: they leave for what is.
        var leaving = process.AnonymousBytes is { } own ? Math.Min(paged, process.ResidentBytes - own) : paged;
        var occupied = process.ResidentBytes - leaving;
        var missing = needed - occupied;
        return missing <= machine.UsableBytes ? null
            : $"The next step may need {MemorySize.Gigabytes(missing)} more than the {MemorySize.Gigabytes(occupied)} that the process occupies, and only {MemorySize.Gigabytes(machine.UsableBytes)} are free";
    }
}
