using System.Runtime.InteropServices;

namespace LowRank.Runtime;

/// <summary>
/// Settings of glibc's allocator, through which libtorch takes all CPU tensors, of libtorch's use of it, and of how its threads wait.
/// <para>
/// Left alone, glibc raises its mmap threshold to 32 MiB after the first large free and then serves activations from its heap. Its aligned allocation
/// (all of libtorch's) splits every chunk, small objects settle in the splinters, and the freed chunk no longer fits the next tensor of
/// the same size: 30 passes of a 30-layer forward and backward that need 1.2 GB grew to 6.5 GB, and still grew. A fixed
/// threshold gives each large tensor pages of its own, which go back when it is freed: 1.21 GB from the first pass to the last.
/// The price is that the kernel clears those pages again in every step; with huge pages that is 96,000 instead of 473,000 page
/// faults a step, 2.0 instead of 2.2 s (2 cores, EPYC), against 1.5 to 1.8 s for the growing heap.
/// </para>
/// </summary>
internal static partial class MallocTuning
{
    private const int TrimThreshold = -1;
    private const int MmapThreshold = -3;

    /// <summary>Smaller tensors stay in the heap, where a system call would cost more than they do.</summary>
    private const int MmapThresholdBytes = 1 << 20;

    /// <summary>Free memory at the heap's end that is kept. Setting the other threshold would pin this one at 128 KiB.</summary>
    private const int TrimThresholdBytes = 32 << 20;

    /// <summary>Applies the settings that the user has not made by environment variables; does nothing where the C library is not glibc.</summary>
    public static void Apply()
    {
        if (!OperatingSystem.IsLinux()) return;
        if (!NativeLibrary.TryLoad("libc.so.6", out var libc) || !NativeLibrary.TryGetExport(libc, "mallopt", out _)) return;
        if (!IsSet("MALLOC_MMAP_THRESHOLD_") && !IsSet("MALLOC_TRIM_THRESHOLD_"))
        {
            _ = MallOpt(MmapThreshold, MmapThresholdBytes);
            _ = MallOpt(TrimThreshold, TrimThresholdBytes);
        }
        // A thread of libtorch's pool that waits for its peers spins for milliseconds. On a machine that others use too the peer may not be running: short steps then took 9 times
        // as long (256 tokens of SmolLM2 on 2 busy cores: 35 s against 4 s). About 30 µs of spinning keep what it is good for.
        if (!IsSet("OMP_WAIT_POLICY")) _ = SetEnvironment("GOMP_SPINCOUNT", "10000", overwrite: 0);
        // libtorch then asks for huge pages for tensors from 2 MiB on. It reads the variable once, from the C library's environment, which .NET's own setter does not change.
        _ = SetEnvironment("THP_MEM_ALLOC_ENABLE", "1", overwrite: 0);
    }

    /// <summary>Gives the pages of freed memory back to the system, wherever in the heap they lie; does nothing where the C library is not glibc.</summary>
    public static void ReturnFreedPages()
    {
        if (OperatingSystem.IsLinux() && canTrim.Value) _ = MallocTrim(0);
    }

    private static readonly Lazy<bool> canTrim = new(() => NativeLibrary.TryLoad("libc.so.6", out var libc) && NativeLibrary.TryGetExport(libc, "malloc_trim", out _));

    private static bool IsSet(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 };

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int MallOpt(int parameter, int value);

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint pad);

    [LibraryImport("libc.so.6", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
