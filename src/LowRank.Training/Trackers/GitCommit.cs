namespace LowRank.Training.Trackers;

/// <summary>The commit that a folder's git repository stands at, read from its files: nothing is started, and a machine without git will do.</summary>
/// <param name="Hash">The commit, in hexadecimal.</param>
/// <param name="Remote">The address of <c>origin</c> without a user or password, or null.</param>
internal sealed record GitCommit(string Hash, string? Remote)
{
    /// <summary>The commit of the repository that holds a folder; null where there is none, or where its files are of a kind that is not read here (reftable).</summary>
    public static GitCommit? Find(string folder)
    {
        try
        {
            for (var at = new DirectoryInfo(Path.GetFullPath(folder)); at is not null; at = at.Parent)
                if (Folder(Path.Combine(at.FullName, ".git")) is { } git) return Read(git);
            return null;
        }
        // It is something to note, not something that a run needs.
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // A worktree and a submodule have a file that names the folder.
    private static string? Folder(string git)
    {
        if (Directory.Exists(git)) return git;
        const string Names = "gitdir:";
        return File.Exists(git) && File.ReadLines(git).FirstOrDefault() is { } line && line.StartsWith(Names, StringComparison.Ordinal)
            ? Path.GetFullPath(line[Names.Length..].Trim(), Path.GetDirectoryName(git)!) : null;
    }

    private static GitCommit? Read(string git)
    {
        if (Line(Path.Combine(git, "HEAD")) is not { } head) return null;
        var common = Line(Path.Combine(git, "commondir")) is { } other ? Path.GetFullPath(other, git) : git;
        const string Reference = "ref:";
        var hash = head.StartsWith(Reference, StringComparison.Ordinal) ? Resolve(git, common, head[Reference.Length..].Trim()) : head;
        return hash is { Length: >= 40 } && hash.All(char.IsAsciiHexDigit) ? new GitCommit(hash, Origin(Path.Combine(common, "config"))) : null;
    }

    private static string? Resolve(string git, string common, string reference)
    {
        foreach (var place in (string[])[git, common])
            if (Line(Path.Combine(place, reference)) is { } hash) return hash;
        var packed = Path.Combine(common, "packed-refs");
        return !File.Exists(packed) ? null : File.ReadLines(packed).FirstOrDefault(l => l.EndsWith(" " + reference, StringComparison.Ordinal))?.Split(' ')[0];
    }

    private static string? Origin(string config)
    {
        if (!File.Exists(config)) return null;
        var url = File.ReadLines(config).SkipWhile(l => l.Trim() != "[remote \"origin\"]").Skip(1).TakeWhile(l => !l.TrimStart().StartsWith('['))
            .Select(l => l.Split('=', 2)).FirstOrDefault(p => p.Length == 2 && p[0].Trim() == "url")?[1].Trim();
        // A user or a token before the host is nobody else's business.
        return url?.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme && url.IndexOf('@', scheme) is > 0 and var at && at < PathOf(url, scheme + 3)
            ? url[..(scheme + 3)] + url[(at + 1)..] : url;
    }

    private static int PathOf(string url, int host) => url.IndexOf('/', host) is >= 0 and var slash ? slash : url.Length;

    private static string? Line(string path) => File.Exists(path) ? File.ReadLines(path).FirstOrDefault()?.Trim() : null;
}
