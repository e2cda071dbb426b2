using System.Runtime.InteropServices;
using LowRank.Runtime.Memory;

namespace LowRank.Tests.Runtime.Memory;

// Alone, as the probe of memory.
[Collection(nameof(NativeTensors))]
public class PageFaultsTests
{
    [Fact]
    public unsafe void New_memory_is_counted_when_it_is_written()
    {
        if (PageFaults.Minor() is not { } before)
        {
            Assert.False(OperatingSystem.IsLinux());
            return;
        }
        const int bytes = 64 << 20;
        var memory = (byte*)NativeMemory.AlignedAlloc(bytes, 4096);
        for (var i = 0; i < bytes; i += 4096) memory[i] = 1;
        var after = PageFaults.Minor()!.Value;
        NativeMemory.AlignedFree(memory);
        // One for each page, or for each huge page of 2 MiB.
        Assert.InRange(after - before, bytes >> 21, long.MaxValue);
    }
}
