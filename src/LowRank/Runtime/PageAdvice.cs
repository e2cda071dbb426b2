using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LowRank.Runtime;

/// <summary>
/// Tells the operating system about the use of mapped pages. Mapped pages that were read count as resident memory. All of it is advice: where a call fails or is
/// missing, nothing is lost but memory or time, so results are not looked at.
/// </summary>
internal static unsafe partial class PageAdvice
{
    // Numbers of Linux; other systems number them otherwise or give them another meaning.
    private const int WillNeed = 3, DontNeed = 4, FileDontNeed = 4, HugePage = 14;
    private const uint WriteAndWait = 7, Write = 2;

    /// <summary>Lets go of the pages of a file mapping. A page that is only partly covered may go too: reading brings it back.</summary>
    public static void Drop(byte* start, long bytes) => Advise(start, bytes, DontNeed);

    /// <summary>Begins to read the pages of a file mapping from disk.</summary>
    public static void ReadAhead(byte* start, long bytes) => Advise(start, bytes, WillNeed);

    /// <summary>Asks for huge pages where memory is large enough for one: fewer faults when it is first written.</summary>
    public static void PreferHugePages(void* start, long bytes)
    {
        if (bytes >= 2 << 20) Advise((byte*)start, bytes, HugePage);
    }

    /// <summary>Begins to write changed pages of a file to disk, without waiting.</summary>
    public static void StartWriting(SafeFileHandle file, long offset, long bytes)
    {
        if (OperatingSystem.IsLinux()) _ = sync_file_range(file, offset, bytes, Write);
    }

    /// <summary>Writes changed pages of a mapped file to disk, waits for it, and lets them go from the mapping and from the page cache.</summary>
    /// <param name="file">The file.</param>
    /// <param name="mapping">Where it is mapped, from its first byte.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="bytes">Number of bytes.</param>
    public static void Evict(SafeFileHandle file, byte* mapping, long offset, long bytes)
    {
        if (!OperatingSystem.IsLinux()) return;
        // Unmapped first: that moves the pages' dirty bits to where the writing looks for them.
        Drop(mapping + offset, bytes);
        _ = sync_file_range(file, offset, bytes, WriteAndWait);
        _ = posix_fadvise(file, offset, bytes, FileDontNeed);
    }

    /// <summary>How many bytes of a mapping are in memory, in whole pages; all of them where the system does not tell.</summary>
    public static long ResidentBytes(byte* start, long bytes)
    {
        if (!OperatingSystem.IsLinux() || bytes <= 0) return bytes;
        var page = (nint)Environment.SystemPageSize;
        var first = (nint)start / page * page;
        var pages = (int)(((nint)start + (nint)bytes - first + page - 1) / page);
        var there = ArrayPool<byte>.Shared.Rent(pages);
        try
        {
            fixed (byte* p = there)
                if (mincore(first, (nuint)((long)pages * page), p) != 0) return bytes;
            var missing = 0;
            for (var i = 0; i < pages; i++) missing += 1 - (there[i] & 1);
            return Math.Max(0, bytes - (long)missing * page);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(there);
        }
    }

    private static void Advise(byte* start, long bytes, int advice)
    {
        if (!OperatingSystem.IsLinux() || bytes <= 0) return;
        var page = (nint)Environment.SystemPageSize;
        var first = (nint)start / page * page;
        _ = madvise(first, (nuint)((nint)start + (nint)bytes - first), advice);
    }

    [LibraryImport("libc")]
    private static partial int madvise(nint address, nuint length, int advice);

    [LibraryImport("libc")]
    private static partial int mincore(nint address, nuint length, byte* pages);

    [LibraryImport("libc")]
    private static partial int sync_file_range(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(SafeFileHandle file, long offset, long length, int advice);
}
