namespace LowRank.Formats;

/// <summary>Free disk space, and errors of a full disk in words.</summary>
internal static class DiskSpace
{
    /// <summary>Throws where <paramref name="bytes"/> do not fit into the file system of <paramref name="folder"/>.</summary>
    public static void Require(string path, string folder, long bytes)
    {
        if (bytes <= 0) return;
        var free = Free(folder);
        if (free < bytes) throw new LowRankException($"{path}: {Size(bytes)} are needed, but {Size(free)} are free on its disk. Free some space or choose another folder.");
    }

    /// <summary>Bytes that this user can still write below a folder; <see cref="long.MaxValue"/> where the system does not say.</summary>
    public static long Free(string folder)
    {
        try
        {
            // On Unix any path stands for the file system that holds it.
            return new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(Path.GetFullPath(folder))! : Path.GetFullPath(folder)).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return long.MaxValue; // a network share, for example: the write itself will tell
        }
    }

    /// <summary>What the user should read where writing <paramref name="path"/> failed.</summary>
    public static LowRankException Failed(string path, string folder, Exception error)
    {
        const int NoSpace = 28, DiskFull = unchecked((int)0x80070070); // ENOSPC; ERROR_DISK_FULL
        return error.HResult is NoSpace or DiskFull
            ? new LowRankException($"{path}: the disk is full ({Size(Free(folder))} free). Nothing was left half-written; free some space and run again.", error)
            : new LowRankException($"{path} cannot be written: {error.Message}", error);
    }

    private static string Size(long bytes) => bytes >= 10 << 20 ? $"{bytes >> 20} MiB" : bytes >= 10 << 10 ? $"{bytes >> 10} KiB" : $"{bytes} bytes";
}
