using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace LowRank.Models.Hub;

/// <summary>A repository on the hub: <c>org/name</c>, with <c>@revision</c> for a branch, tag or commit other than <c>main</c>.</summary>
/// <param name="Repository">The repository, <c>org/name</c>.</param>
/// <param name="Revision">A branch, tag or commit.</param>
public sealed partial record HubId(string Repository, string Revision)
{
    private const string MainBranch = "main";

    /// <summary>What the repository holds. Default: a model or an adapter.</summary>
    public HubRepositoryKind Kind { get; init; }

    /// <summary>
    /// Reads an id. Text that names something on this machine, that is rooted, or that has other than one slash is none.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out HubId? id)
    {
        var match = Pattern().Match(text);
        id = match.Success && !text.Contains("..", StringComparison.Ordinal) && !Path.Exists(text)
            ? new HubId(match.Groups["repository"].Value, match.Groups["revision"] is { Success: true } r ? r.Value : MainBranch) : null;
        return id is not null;
    }

    /// <summary>True where the revision is a full commit hash, which never changes its content.</summary>
    public bool IsCommit => Commit().IsMatch(Revision);

    /// <summary>The text of an id with its revision given apart from it, as <c>--revision</c> does.</summary>
    /// <param name="text">A hub id, or the name of something on this machine.</param>
    /// <param name="revision">A branch, tag or commit; null leaves the text as it is.</param>
    /// <exception cref="LowRankException">The text is no hub id, names another revision itself, or the revision cannot be one.</exception>
    public static string WithRevision(string text, string? revision)
    {
        if (revision is null) return text;
        if (!TryParse(text, out var id)) throw new LowRankException($"--revision {revision} goes with a hub id such as org/name; {text} is none.");
        if (id.Revision != MainBranch && id.Revision != revision) throw new LowRankException($"{text} names the revision {id.Revision}, --revision {revision}. Leave one of them out.");
        var whole = $"{id.Repository}@{revision}";
        return TryParse(whole, out _) ? whole : throw new LowRankException($"--revision '{revision}' cannot be a branch, tag or commit.");
    }

    /// <summary>What the repository is called in messages.</summary>
    internal string KindName => Kind == HubRepositoryKind.Dataset ? "data set" : "model";

    /// <inheritdoc/>
    public override string ToString() => Revision == MainBranch ? Repository : $"{Repository}@{Revision}";

    [GeneratedRegex(@"^(?<repository>[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})(@(?<revision>[A-Za-z0-9][A-Za-z0-9._/-]{0,200}))?$", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();

    [GeneratedRegex("^[0-9a-f]{40}$", RegexOptions.CultureInvariant)]
    private static partial Regex Commit();
}
