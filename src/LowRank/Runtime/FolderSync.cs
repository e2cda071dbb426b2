using System.Runtime.InteropServices;

namespace LowRank.Runtime;

/// <summary>Brings the entries of a folder to disk, so that a rename survives a power failure.</summary>
internal static partial class FolderSync
{
    /// <summary>Flushes a folder. Windows has no such call for a folder, and its file system journals renames.</summary>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = open(folder, 0); // O_RDONLY
        if (descriptor < 0) throw new IOException($"{folder} cannot be opened for flushing (errno {Marshal.GetLastPInvokeError()}).");
        try
        {
            // Some file systems (network ones among them) cannot flush a folder; the data itself was flushed by then.
            _ = fsync(descriptor);
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
