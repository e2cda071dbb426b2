using LowRank.Training.Lecture;
using LowRank.Training.Lecture.Content;

namespace LowRank.Cli.Lecture;

/// <summary>Findings as <c>--json</c> prints them.</summary>
/// <param name="content">The claims.</param>
/// <param name="language">The language of texts.</param>
/// <param name="check">Whether verdicts and figures are enough.</param>
internal sealed class LectureReport(LectureContent content, LectureLanguage language, bool check)
{
    /// <summary>The object to print.</summary>
    public object Of(IReadOnlyList<(Finding Finding, string? Picture)> findings, TimeSpan elapsed) => new
    {
        Claims = findings.Select(f => One(f.Finding, f.Picture)),
        Counts = Enum.GetValues<ClaimVerdict>().ToDictionary(v => v.Name(), v => findings.Count(f => f.Finding.Verdict == v)),
        Seconds = Math.Round(elapsed.TotalSeconds, 1),
    };

    private object One(Finding f, string? picture)
    {
        var (id, chapter, verdict, figures, seconds) = (f.Claim.Id, f.Claim.Chapter, f.Verdict.Name(), f.Figures.ToDictionary(p => p.Key, p => p.Value), Math.Round(f.Elapsed.TotalSeconds, 2));
        return check
            ? (object)new { Id = id, Chapter = chapter, Verdict = verdict, Figures = figures, Seconds = seconds }
            : new
            {
                Id = id,
                Chapter = chapter,
                f.Claim.Kind,
                Verdict = verdict,
                Says = f.Claim.Says.In(language),
                Finds = f.FoundIn(language),
                Why = f.ReasonIn(language, content),
                Try = f.Claim.Command,
                Picture = picture,
                Figures = figures,
                Seconds = seconds,
            };
    }
}
