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
        Assert.Null(StepMemory.Problem(3 * Gigabyte, Machine(2 * Gigabyte), Process));
        Assert.Null(StepMemory.Problem(Gigabyte / 2, Machine(0), Process));
    }

    [Fact]
    public void It_does_not_begin_where_machine_or_group_have_less()
    {
        Assert.Contains("may need 2.00 GB more than the 1.00 GB", StepMemory.Problem(3 * Gigabyte, Machine(2 * Gigabyte - 1), Process), StringComparison.Ordinal);
        Assert.Contains("only 1.50 GB are free", StepMemory.Problem(3 * Gigabyte, Machine(4 * Gigabyte, group: 3 * Gigabyte / 2), Process), StringComparison.Ordinal);
    }
}
