using System.Runtime.InteropServices;

namespace LowRank.Runtime;

/// <summary>Tells the operating system about the use of mapped pages. Mapped pages that were read count as resident memory.</summary>
internal static unsafe partial class PageAdvice
{
    private const int DontNeed = 4; // MADV_DONTNEED of Linux; other systems number it otherwise or give it another meaning

    /// <summary>Lets go of the pages of a read-only file mapping. A page that is only partly covered may go too: reading brings it back.</summary>
    public static void Drop(byte* start, long bytes)
    {
        if (!OperatingSystem.IsLinux() || bytes <= 0) return;
        var page = (nint)Environment.SystemPageSize;
        var first = (nint)start / page * page;
        // Advice only: where it fails nothing is lost but memory.
        _ = madvise(first, (nuint)((nint)start + (nint)bytes - first), DontNeed);
    }

    [LibraryImport("libc")]
    private static partial int madvise(nint address, nuint length, int advice);
}
