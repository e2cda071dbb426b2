using LowRank.Runtime.Memory;
using LowRank.Training.Planning;

namespace LowRank.Training.Tests.Planning;

public class StepMemoryTests
{
    private const long Gigabyte = 1_000_000_000;

    private static MachineMemory Machine(long available, long? group = null) => new() { TotalBytes = 16 * Gigabyte, AvailableBytes = available, GroupLimitBytes = group is null ? null : 8 * Gigabyte, GroupAvailableBytes = group };

    private static readonly ProcessMemory Process = new() { ResidentBytes = Gigabyte, PeakResidentBytes = Gigabyte, AnonymousBytes = Gigabyte };

    [Fact]
    public void A_step_begins_where_what_it_lacks_is_free()
    {
        Assert.Null(StepMemory.Problem(3 * Gigabyte, 0, Machine(2 * Gigabyte), Process));
        Assert.Null(StepMemory.Problem(Gigabyte / 2, 0, Machine(0), Process));
    }

    [Fact]
    public void It_does_not_begin_where_machine_or_group_have_less()
    {
        Assert.Contains("may need 2.00 GB more than the 1.00 GB", StepMemory.Problem(3 * Gigabyte, 0, Machine(2 * Gigabyte - 1), Process), StringComparison.Ordinal);
        Assert.Contains("only 1.50 GB are free", StepMemory.Problem(3 * Gigabyte, 0, Machine(4 * Gigabyte, group: 3 * Gigabyte / 2), Process), StringComparison.Ordinal);
    }

    [Fact]
    public void Resident_pages_of_a_paged_optimizer_are_not_taken_for_what_a_step_needs()
    {
        var process = Process with { ResidentBytes = 2 * Gigabyte };
        Assert.Null(StepMemory.Problem(3 * Gigabyte, 0, Machine(Gigabyte), process));
        // Of the 2 GB, 1 is the file's: 2 GB are missing, not 1.
        Assert.Contains("may need 2.00 GB more", StepMemory.Problem(3 * Gigabyte, Gigabyte, Machine(2 * Gigabyte - 1), process), StringComparison.Ordinal);
        // No more than the process has beside its own pages can be the file's.
        Assert.Null(StepMemory.Problem(3 * Gigabyte, 4 * Gigabyte, Machine(2 * Gigabyte), process));
    }
}
