using System.Diagnostics.CodeAnalysis;
using LowRank.Runtime;

namespace LowRank.Formats;

/// <summary>
/// The single steps by which files come to disk: the seam at which a test ends the process after each of them in turn. A replacement that
/// throws from some step on, and on every later one (deletions too), leaves the disk exactly as a killed process does.
/// </summary>
internal class FileSystemSteps
{
    private static readonly FileSystemSteps real = new();
    private static readonly AsyncLocal<FileSystemSteps?> replaced = new();

    /// <summary>The steps in use; setting null brings back the real ones. The setting follows the flow of execution, so parallel tests do not meet.</summary>
    [AllowNull]
    public static FileSystemSteps Current
    {
        get => replaced.Value ?? real;
        set => replaced.Value = value;
    }

    /// <summary>Creates or truncates a file and locks it against other writers.</summary>
    public virtual FileStream Create(string path) => new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);

    /// <summary>Writes at the stream's position.</summary>
    public virtual void Write(FileStream stream, ReadOnlySpan<byte> bytes) => stream.Write(bytes);

    /// <summary>Brings a file's content to disk.</summary>
    public virtual void Flush(FileStream stream) => stream.Flush(flushToDisk: true);

    /// <summary>Brings a folder's entries to disk.</summary>
    public virtual void FlushFolder(string path) => FolderSync.Flush(path);

    /// <summary>Gives a file its name, replacing a file that has it.</summary>
    public virtual void Rename(string from, string to) => File.Move(from, to, overwrite: true);

    /// <summary>Gives a folder its name, which must be free.</summary>
    public virtual void RenameFolder(string from, string to) => Directory.Move(from, to);

    /// <summary>Creates a folder.</summary>
    public virtual void CreateFolder(string path) => Directory.CreateDirectory(path);

    /// <summary>Removes a file, if it is there.</summary>
    public virtual void Delete(string path) => File.Delete(path);

    /// <summary>Removes a folder with everything in it, if it is there.</summary>
    public virtual void DeleteFolder(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }
}
