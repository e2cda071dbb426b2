using System.Text.Json;
using LowRank.Adapters;

namespace LowRank.Training.Lecture.Content;

/// <summary>Everything that the lecture says and that is said about it: <c>assets/lecture/claims.json</c>, which is part of this assembly.</summary>
internal sealed record LectureContent
{
    private const string Resource = "LowRank.Training.Lecture.claims.json";

    /// <summary>The chapters, in their order.</summary>
    public required IReadOnlyList<LectureChapter> Chapters { get; init; }

    /// <summary>All claims, in their order.</summary>
    public required IReadOnlyList<LectureClaim> Claims { get; init; }

    /// <summary>Reasons for claims that have none of their own, by the name of the verdict.</summary>
    public required IReadOnlyDictionary<string, LectureText> Reasons { get; init; }

    /// <summary>Headings and other words of the view, by name.</summary>
    public required IReadOnlyDictionary<string, LectureText> Words { get; init; }

    /// <summary>Reads the file of this assembly.</summary>
    public static LectureContent Load()
    {
        using var stream = typeof(LectureContent).Assembly.GetManifestResourceStream(Resource) ?? throw new InvalidOperationException($"{Resource} is not in the assembly.");
        return Read(stream, "claims.json");
    }

    /// <summary>Reads a claims file and checks that its parts fit together.</summary>
    /// <exception cref="LowRankException">It is damaged; all that is wrong is told.</exception>
    internal static LectureContent Read(Stream stream, string where)
    {
        LectureContent content;
        try
        {
            content = JsonSerializer.Deserialize(stream, LectureJson.Default.LectureContent) ?? throw new LowRankException($"{where} is empty.");
        }
        catch (JsonException error)
        {
            throw new LowRankException($"{where}, line {error.LineNumber + 1}: {error.Message.Split(" Path:")[0]}", error);
        }
        var problems = content.Problems().ToList();
        return problems.Count == 0 ? content : throw new LowRankException($"{where}: {string.Join("; ", problems)}.");
    }

    /// <summary>The claims of a chapter, or the one claim of an id, whatever its case.</summary>
    /// <exception cref="LowRankException">There is no such chapter or claim.</exception>
    public IReadOnlyList<LectureClaim> Select(string name)
    {
        var found = Claims.Where(c => c.Chapter.Equals(name, StringComparison.OrdinalIgnoreCase) || c.Id.Equals(name, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (found.Length > 0) return found;
        var near = NearestNames.Of(name.ToLowerInvariant(), Chapters.Select(c => c.Id));
        // An id has two letters: to one that is as short, all that begin alike are near.
        if (name.Length <= 3) near = [.. Claims.Where(c => name.Length > 0 && c.Id.StartsWith(name[..1], StringComparison.OrdinalIgnoreCase)).Select(c => c.Id).Take(7), .. near];
        throw new LowRankException($"The lecture has no chapter or claim \"{name}\"{(near.Count > 0 ? $"; did you mean {string.Join(" or ", near)}?" : ".")} Its chapters are {string.Join(", ", Chapters.Select(c => c.Id))}; claims are named such as P1.");
    }

    /// <summary>Why a claim got its verdict, with placeholders.</summary>
    public LectureText ReasonFor(LectureClaim claim, ClaimVerdict verdict) => claim.Why?.GetValueOrDefault(verdict.Name()) is { } own ? own : Reasons[verdict.Name()];

    private IEnumerable<string> Problems()
    {
        foreach (var twice in Claims.GroupBy(c => c.Id, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1)) yield return $"{twice.Key} stands there twice";
        var chapters = Chapters.Select(c => c.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var claim in Claims.Where(c => !chapters.Contains(c.Chapter))) yield return $"{claim.Id} is of the chapter {claim.Chapter}, which does not exist";
        foreach (var verdict in Enum.GetValues<ClaimVerdict>().Where(v => !Reasons.ContainsKey(v.Name()))) yield return $"reasons has no text for {verdict.Name()}";
    }
}
