using LowRank.Formats;
using LowRank.Models.Hub.Contents;

namespace LowRank.Models.Hub;

/// <summary>
/// One repository in the cache of huggingface_hub: <c>blobs/ETAG</c> holds contents, <c>snapshots/COMMIT/NAME</c> are links to them (or the files
/// themselves where the system has no links), <c>refs/REVISION</c> has the commit of a branch or tag, and <c>.no_exist/COMMIT/NAME</c> says that the
/// repository has no such file. Python's libraries find what LowRank downloads there, and the other way round.
/// </summary>
internal sealed class HubCache(HubOptions options, HubId id)
{
    private readonly string name = (id.Kind == HubRepositoryKind.Dataset ? "datasets--" : "models--") + id.Repository.Replace("/", "--", StringComparison.Ordinal);

    public string Folder => Path.Combine(options.CacheFolder, name);

    public string Snapshot(string commit) => Path.Combine(Folder, "snapshots", commit);

    public string Blob(string etag) => Path.Combine(Folder, "blobs", etag);

    /// <summary>The file that is locked while a blob arrives.</summary>
    public string Lock(string etag) => Path.Combine(options.CacheFolder, ".locks", name, etag + ".lock");

    /// <summary>The commit that the revision had when it was last downloaded, or null.</summary>
    public string? Commit()
    {
        if (id.IsCommit) return id.Revision;
        var reference = Path.Combine(Folder, "refs", id.Revision);
        return File.Exists(reference) && File.ReadAllText(reference).Trim() is { Length: > 0 } commit && commit.AsSpan().IndexOfAny('/', '\\', '.') < 0 ? commit : null;
    }

    /// <summary>The snapshot folder of the revision where everything wanted is in it, else null.</summary>
    public string? WholeSnapshot(HubContent content) =>
        Commit() is { } commit && Directory.Exists(Snapshot(commit)) && content.IsWhole(Snapshot(commit), name => File.Exists(NoExist(commit, name))) ? Snapshot(commit) : null;

    /// <summary>The names of the files of a snapshot, with slashes.</summary>
    public static IReadOnlyList<string> NamesIn(string snapshot) => !Directory.Exists(snapshot) ? []
        : [.. Directory.EnumerateFiles(snapshot, "*", SearchOption.AllDirectories).Where(IsThere).Select(f => Path.GetRelativePath(snapshot, f).Replace('\\', '/'))];

    public void SetCommit(string commit)
    {
        if (!id.IsCommit) AtomicFile.WriteAllText(Path.Combine(Folder, "refs", id.Revision), commit);
    }

    /// <summary>Says to others that ask for these files that the repository lacks them.</summary>
    public void SetAbsent(string commit, IEnumerable<string> names)
    {
        foreach (var name in names.Where(n => !File.Exists(NoExist(commit, n)))) AtomicFile.WriteAllText(NoExist(commit, name), "");
    }

    /// <summary>Whether the file of a snapshot is there.</summary>
    public bool Has(string commit, string file) => IsThere(PathOf(commit, file));

    /// <summary>Whether a file is there with its content; <see cref="File.Exists"/> is true for a link to a blob that is gone, too.</summary>
    public static bool IsThere(string path) =>
        new FileInfo(path) is { Exists: true } file && (file.LinkTarget is null || file.ResolveLinkTarget(returnFinalTarget: true) is { Exists: true });

    /// <summary>Makes <paramref name="file"/> of a snapshot lead to a blob.</summary>
    public void Link(string commit, string file, string etag)
    {
        var path = PathOf(commit, file);
        var folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder);
        if (IsThere(path)) return;
        File.Delete(path); // a link to a blob that is gone
        try
        {
            options.Symlink(path, Path.Combine(Path.GetRelativePath(folder, Path.Combine(Folder, "blobs")), etag));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Windows allows links to some users only, and some file systems have none: huggingface_hub moves the file there too.
            File.Move(Blob(etag), path);
        }
    }

    private string PathOf(string commit, string file)
    {
        var snapshot = Snapshot(commit);
        var path = Path.GetFullPath(Path.Combine(snapshot, file));
        return path.StartsWith(Path.GetFullPath(snapshot) + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? path
            : throw new HubException(id, $"the repository names a file '{file}', which would lie outside its folder. Nothing was written.");
    }

    private string NoExist(string commit, string file) => Path.Combine(Folder, ".no_exist", commit, file);
}
