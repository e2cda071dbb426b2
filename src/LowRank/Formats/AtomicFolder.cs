namespace LowRank.Formats;

/// <summary>
/// A folder that appears whole or not at all. Files go into <c>.NAME.partial</c> beside it; <see cref="Commit"/> flushes each of them and
/// renames the folder. Disposing without a commit removes the partial folder; one that a killed process left is removed by the next attempt.
/// </summary>
public sealed class AtomicFolder : IDisposable
{
    private readonly FileSystemSteps steps = FileSystemSteps.Current;
    private readonly string parent;
    private bool open;

    private AtomicFolder(string path, long bytes)
    {
        Path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        parent = System.IO.Path.GetDirectoryName(Path) ?? throw new LowRankException($"{path} is not a folder that can be created.");
        PartialPath = System.IO.Path.Combine(parent, $".{System.IO.Path.GetFileName(Path)}.partial");
        RequireFree();
        Guarded(() =>
        {
            steps.CreateFolder(parent);
            DiskSpace.Require(Path, parent, bytes);
            steps.DeleteFolder(PartialPath);
            steps.CreateFolder(PartialPath);
        });
        open = true;
    }

    /// <summary>Full path of the folder that a commit creates.</summary>
    public string Path { get; }

    /// <summary>The folder to write into until the commit.</summary>
    public string PartialPath { get; }

    /// <summary>Begins a folder. Missing parents are created.</summary>
    /// <param name="path">The folder to create. It must not exist, or be empty.</param>
    /// <param name="bytes">The size of all its files where that is known, else -1; the disk must have as much free.</param>
    /// <exception cref="LowRankException">The folder exists and is not empty, there is too little space, or it cannot be written.</exception>
    public static AtomicFolder Create(string path, long bytes = -1) => new(path, bytes);

    /// <summary>The path at which to write a file of the folder.</summary>
    /// <param name="name">The file's name, or its path within the folder.</param>
    public string At(string name) => System.IO.Path.Combine(PartialPath, name);

    /// <summary>Writes one whole file of the folder.</summary>
    /// <exception cref="LowRankException">The disk is full or the file cannot be written.</exception>
    public void Write(string name, ReadOnlySpan<byte> content)
    {
        using var file = AtomicFile.Create(At(name), content.Length);
        file.Write(content);
        file.Commit();
    }

    /// <summary>Brings everything to disk and gives the folder its name.</summary>
    /// <exception cref="LowRankException">The name was taken meanwhile, or the disk is full.</exception>
    public void Commit()
    {
        ObjectDisposedException.ThrowIf(!open, this);
        Guarded(() => Flush(PartialPath));
        RequireFree();
        Guarded(() =>
        {
            if (Directory.Exists(Path)) steps.DeleteFolder(Path); // empty, by RequireFree
            steps.RenameFolder(PartialPath, Path);
            open = false;
            steps.FlushFolder(parent);
        });
    }

    private void RequireFree()
    {
        if (File.Exists(Path) || Directory.Exists(Path) && Directory.EnumerateFileSystemEntries(Path).Any())
            throw new LowRankException($"{Path} exists already. Choose another folder or remove this one.");
    }

    private void Flush(string folder)
    {
        foreach (var inner in Directory.GetDirectories(folder)) Flush(inner);
        foreach (var path in Directory.GetFiles(folder))
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.Read, bufferSize: 0);
            steps.Flush(file);
        }
        steps.FlushFolder(folder);
    }

    private void Guarded(Action step)
    {
        try
        {
            step();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiskSpace.Failed(Path, parent, e);
        }
    }

    /// <summary>Removes the partial folder where <see cref="Commit"/> was not reached.</summary>
    public void Dispose()
    {
        if (!open) return;
        open = false;
        steps.DeleteFolder(PartialPath);
    }
}
