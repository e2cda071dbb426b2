using LowRank.Formats;

namespace LowRank.Models.Hub;

/// <summary>
/// One repository in the cache of huggingface_hub: <c>blobs/ETAG</c> holds contents, <c>snapshots/COMMIT/NAME</c> are links to them, and
/// <c>refs/REVISION</c> has the commit of a branch or tag. Python's libraries find what LowRank downloads there, and the other way round.
/// </summary>
internal sealed class HubCache(HubOptions options, HubId id)
{
    public string Folder { get; } = Path.Combine(options.CacheFolder, "models--" + id.Repository.Replace("/", "--", StringComparison.Ordinal));

    public string Snapshot(string commit) => Path.Combine(Folder, "snapshots", commit);

    public string Blob(string etag) => Path.Combine(Folder, "blobs", etag);

    /// <summary>The commit that the revision had when it was last downloaded, or null.</summary>
    public string? Commit()
    {
        if (id.IsCommit) return id.Revision;
        var reference = Path.Combine(Folder, "refs", id.Revision);
        return File.Exists(reference) && File.ReadAllText(reference).Trim() is { Length: > 0 } commit && commit.AsSpan().IndexOfAny('/', '\\', '.') < 0 ? commit : null;
    }

    /// <summary>The snapshot folder of the revision where everything needed is in it, else null.</summary>
    public string? CompleteSnapshot() => Commit() is { } commit && IsComplete(Snapshot(commit)) ? Snapshot(commit) : null;

    public void SetCommit(string commit)
    {
        if (!id.IsCommit) AtomicFile.WriteAllText(Path.Combine(Folder, "refs", id.Revision), commit);
    }

    /// <summary>Makes <paramref name="name"/> of a snapshot lead to a blob.</summary>
    public void Link(string commit, string name, string etag)
    {
        var path = Path.Combine(Snapshot(commit), name);
        Directory.CreateDirectory(Snapshot(commit));
        if (File.Exists(path)) return;
        File.Delete(path); // a link to a blob that is gone
        try
        {
            File.CreateSymbolicLink(path, Path.Combine("..", "..", "blobs", etag));
        }
        catch (Exception e) when (OperatingSystem.IsWindows() && e is IOException or UnauthorizedAccessException)
        {
            // Windows allows links to some users only; huggingface_hub moves the file there too.
            File.Move(Blob(etag), path);
        }
    }

    private static bool IsComplete(string snapshot)
    {
        if (File.Exists(Path.Combine(snapshot, HubFiles.AdapterWeights))) return true;
        if (!File.Exists(Path.Combine(snapshot, HubFiles.Config))) return false;
        if (File.Exists(Path.Combine(snapshot, SafetensorsFolder.SingleFile))) return true;
        var index = Path.Combine(snapshot, SafetensorsFolder.IndexFile);
        return File.Exists(index) && SafetensorsIndex.Read(index).Shards.All(s => File.Exists(Path.Combine(snapshot, s)));
    }
}
