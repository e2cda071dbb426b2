using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace LowRank.Models.Hub;

/// <summary>A model on the hub: <c>org/name</c>, with <c>@revision</c> for a branch, tag or commit other than <c>main</c>.</summary>
/// <param name="Repository">The repository, <c>org/name</c>.</param>
/// <param name="Revision">A branch, tag or commit.</param>
public sealed partial record HubId(string Repository, string Revision)
{
    /// <summary>
    /// Reads an id. Text that names something on this machine, that is rooted, or that has other than one slash is none.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out HubId? id)
    {
        var match = Pattern().Match(text);
        id = match.Success && !text.Contains("..", StringComparison.Ordinal) && !Path.Exists(text)
            ? new HubId(match.Groups["repository"].Value, match.Groups["revision"] is { Success: true } r ? r.Value : "main") : null;
        return id is not null;
    }

    /// <summary>True where the revision is a full commit hash, which never changes its content.</summary>
    public bool IsCommit => Commit().IsMatch(Revision);

    /// <inheritdoc/>
    public override string ToString() => Revision == "main" ? Repository : $"{Repository}@{Revision}";

    [GeneratedRegex(@"^(?<repository>[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})(@(?<revision>[A-Za-z0-9][A-Za-z0-9._/-]{0,200}))?$", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();

    [GeneratedRegex("^[0-9a-f]{40}$", RegexOptions.CultureInvariant)]
    private static partial Regex Commit();
}
