using System.Runtime.InteropServices;

namespace LowRank.Runtime;

/// <summary>
/// Settings of glibc's allocator, through which libtorch takes all CPU tensors. By default a tensor above 128 KiB is its own mmap, which the
/// kernel clears page by page on first touch and takes back on free, in every step anew.
/// </summary>
internal static partial class MallocTuning
{
    private const int TrimThreshold = -1;
    private const int MmapThreshold = -3;

    /// <summary>The largest threshold that glibc accepts: half of a thread arena's heap.</summary>
    private const int MmapThresholdBytes = 32 << 20;

    /// <summary>Applies the settings; does nothing where the C library is not glibc.</summary>
    public static void Apply()
    {
        if (!OperatingSystem.IsLinux()) return;
        if (!NativeLibrary.TryLoad("libc.so.6", out var libc) || !NativeLibrary.TryGetExport(libc, "mallopt", out _)) return;
        // The user's own choice wins.
        if (Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") is null) _ = MallOpt(MmapThreshold, MmapThresholdBytes);
        if (Environment.GetEnvironmentVariable("MALLOC_TRIM_THRESHOLD_") is null) _ = MallOpt(TrimThreshold, int.MaxValue);
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int MallOpt(int parameter, int value);
}
