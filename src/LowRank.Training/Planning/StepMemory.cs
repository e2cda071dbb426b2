using LowRank.Runtime.Memory;

namespace LowRank.Training.Planning;

/// <summary>Looks before a step whether memory suffices for it: what other programs took since the run was planned shows here, before the system ends the process.</summary>
internal static class StepMemory
{
    /// <summary>What is wrong, or null.</summary>
    /// <param name="needed">Bytes of the process at its peak.</param>
    /// <param name="machine">What is free now.</param>
    /// <param name="process">What the process occupies now.</param>
    public static string? Problem(long needed, MachineMemory machine, ProcessMemory process)
    {
        var missing = needed - process.ResidentBytes;
        return missing <= machine.UsableBytes ? null
            : $"The next step may need {MemorySize.Gigabytes(missing)} more than the {MemorySize.Gigabytes(process.ResidentBytes)} that the process occupies, and only {MemorySize.Gigabytes(machine.UsableBytes)} are free: another program took them. " +
              "Free some and go on with --resume, or begin a run with a smaller --batch or --checkpointing full; --force does not look.";
    }
}
