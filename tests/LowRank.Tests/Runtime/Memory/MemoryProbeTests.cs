using System.Runtime.InteropServices;
using LowRank.Runtime.Memory;

namespace LowRank.Tests.Runtime.Memory;

// Alone: what tests beside it allocate and free is more than what it looks for.
[Collection(nameof(NativeTensors))]
public sealed class MemoryProbeTests
{
    [Fact]
    public unsafe void Touched_memory_shows_in_the_process_and_in_the_peak()
    {
        const int bytes = 256 << 20;
        var before = ProcessMemory.Read();
        var memory = NativeMemory.Alloc(bytes);
        new Span<byte>(memory, bytes).Fill(1);
        var during = ProcessMemory.Read();
        NativeMemory.Free(memory);
        var after = ProcessMemory.Read();
        // What the collector gives back meanwhile counts against it, so only half is demanded.
        Assert.True(during.ResidentBytes - before.ResidentBytes > bytes / 2, $"{before} {during}");
        Assert.True(after.PeakResidentBytes >= during.ResidentBytes - (1 << 20), $"{during} {after}");
        Assert.True(during.AnonymousBytes is null || during.AnonymousBytes <= during.ResidentBytes);
    }

    [Fact]
    public void The_machine_has_memory_and_the_process_takes_part_of_it()
    {
        var memory = MachineMemory.Read();
        Assert.InRange(memory.AvailableBytes, 1, memory.TotalBytes);
        Assert.InRange(memory.UsableBytes, 0, memory.AvailableBytes);
        Assert.InRange(ProcessMemory.Read().ResidentBytes, 1 << 20, memory.TotalBytes);
    }
}
