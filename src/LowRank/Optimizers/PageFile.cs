using System.IO.MemoryMappedFiles;
using LowRank.Formats;
using Microsoft.Win32.SafeHandles;

namespace LowRank.Optimizers;

/// <summary>A file of no name to map: on Unix it is unlinked as soon as it is open, on Windows it goes with its last handle, so a killed process leaves nothing.</summary>
internal static class PageFile
{
    /// <summary>Creates and maps it, for reading and writing.</summary>
    /// <param name="folder">Its folder, or one below it that does not exist yet.</param>
    /// <param name="bytes">Its length. The space is reserved: a full disk would otherwise end the process at some later write to the mapping.</param>
    /// <exception cref="LowRankException">There is too little disk space, or the folder cannot be written.</exception>
    public static (SafeFileHandle File, MemoryMappedFile Map) Create(string folder, long bytes)
    {
        var at = Path.GetFullPath(folder);
        while (!Directory.Exists(at)) at = Path.GetDirectoryName(at) ?? throw new LowRankException($"{folder}: no folder above it exists.");
        var path = Path.Combine(at, $".lowrank-state-{Guid.NewGuid():N}");
        DiskSpace.Require("The paged optimizer state", at, bytes);
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete,
                OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None, bytes);
            if (!OperatingSystem.IsWindows()) File.Delete(path);
            RandomAccess.SetLength(file, bytes);
            return (file, MemoryMappedFile.CreateFromFile(file, null, bytes, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            if (File.Exists(path)) File.Delete(path);
            throw DiskSpace.Failed(path, at, error);
        }
    }
}
