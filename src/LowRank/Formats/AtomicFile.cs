using System.Text;
using LowRank.Runtime;

namespace LowRank.Formats;

/// <summary>
/// A file that is written whole or not at all. Content goes into <c>.NAME.partial</c> beside it; <see cref="Commit()"/> flushes that to disk and
/// renames it, so that a reader, even after a crash, finds the old file or the new one. Disposing without a commit removes the partial file; one
/// that a killed process left is overwritten by the next attempt.
/// </summary>
public sealed class AtomicFile : IDisposable
{
    // A large file goes to disk while its rest is computed, not all at its end.
    private const long WriteBehind = 16 << 20;

    private readonly FileSystemSteps steps = FileSystemSteps.Current;
    private readonly string folder;
    private readonly string partial;
    private FileStream? stream;
    private (long From, long To) unsent;

    private AtomicFile(string path, long bytes)
    {
        Path = System.IO.Path.GetFullPath(path);
        folder = System.IO.Path.GetDirectoryName(Path) ?? throw new LowRankException($"{path} is not a file name.");
        partial = System.IO.Path.Combine(folder, $".{System.IO.Path.GetFileName(Path)}.partial");
        if (Directory.Exists(Path)) throw new LowRankException($"{Path} is a folder; a file cannot be written there.");
        try
        {
            if (!Directory.Exists(folder)) steps.CreateFolder(folder);
            DiskSpace.Require(Path, folder, bytes);
            stream = steps.Create(partial);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiskSpace.Failed(Path, folder, e);
        }
    }

    /// <summary>Full path of the file that a commit creates or replaces.</summary>
    public string Path { get; }

    /// <summary>Begins a file. Its folder is created where it is missing.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="bytes">Its size where that is known, else -1; the disk must have as much free.</param>
    /// <exception cref="LowRankException">There is too little space, the path is a folder, or it cannot be written.</exception>
    public static AtomicFile Create(string path, long bytes = -1) => new(path, bytes);

    /// <summary>Creates or replaces a file with this content.</summary>
    /// <exception cref="LowRankException">There is too little space, or the file cannot be written.</exception>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> content)
    {
        using var file = Create(path, content.Length);
        file.Write(content);
        file.Commit();
    }

    /// <summary>Creates or replaces a file with this text in UTF-8 without a byte order mark.</summary>
    /// <exception cref="LowRankException">There is too little space, or the file cannot be written.</exception>
    public static void WriteAllText(string path, string content) => WriteAllBytes(path, Encoding.UTF8.GetBytes(content));

    /// <summary>Appends bytes.</summary>
    /// <exception cref="LowRankException">The disk is full or the file cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        var open = Open;
        var position = open.Position;
        try
        {
            steps.Write(open, bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiskSpace.Failed(Path, folder, e);
        }
        unsent = (position == unsent.To ? unsent.From : position, position + bytes.Length);
        if (unsent.To - unsent.From < WriteBehind) return;
        PageAdvice.StartWriting(open.SafeFileHandle, unsent.From, unsent.To - unsent.From);
        unsent.From = unsent.To;
    }

    /// <summary>Writes bytes at a position, which may lie beyond the end.</summary>
    /// <exception cref="LowRankException">The disk is full or the file cannot be written.</exception>
    public void WriteAt(long position, ReadOnlySpan<byte> bytes)
    {
        if (Open.Position != position) Open.Position = position;
        Write(bytes);
    }

    /// <summary>Flushes the content to disk and gives the file its name. Nothing can be written afterwards.</summary>
    /// <exception cref="LowRankException">The disk is full or the file cannot be written.</exception>
    public void Commit() => Commit(waitsForDisk: true);

    /// <summary>The same. What can be made again and tells by itself whether it is whole need not wait for the disk: after a crash of the machine it may be damaged.</summary>
    internal void Commit(bool waitsForDisk)
    {
        var open = Open;
        if (waitsForDisk) Guarded(() => steps.Flush(open));
        open.Dispose();
        Guarded(() => steps.Rename(partial, Path));
        stream = null;
        if (waitsForDisk) Guarded(() => steps.FlushFolder(folder));
    }

    private FileStream Open => stream ?? throw new ObjectDisposedException(nameof(AtomicFile), $"{Path} was committed or disposed already.");

    private void Guarded(Action step)
    {
        try
        {
            step();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiskSpace.Failed(Path, folder, e);
        }
    }

    /// <summary>Removes the partial file where <see cref="Commit()"/> was not reached.</summary>
    public void Dispose()
    {
        if (stream is null) return;
        stream.Dispose();
        stream = null;
        steps.Delete(partial);
    }
}
