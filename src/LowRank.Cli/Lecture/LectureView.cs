using System.Diagnostics;
using LowRank.Cli.Terminal;
using LowRank.Models.Generation;
using LowRank.Training.Lecture;
using LowRank.Training.Lecture.Content;

namespace LowRank.Cli.Lecture;

/// <summary>Shows the lecture: its chapters, claims with what was found, or a line for each.</summary>
/// <param name="screen">Where.</param>
/// <param name="content">The claims.</param>
/// <param name="language">In which language.</param>
internal sealed class LectureView(Screen screen, LectureContent content, LectureLanguage language)
{
    /// <summary>Lists the chapters, and how many of their claims can be computed.</summary>
    public void Chapters(bool json)
    {
        var chapters = content.Chapters.Select(chapter =>
        {
            var claims = content.Select(chapter.Id);
            return (chapter.Id, Title: chapter.Title.In(language), Claims: claims.Count, Computed: claims.Count(c => ClaimChecks.For(c.Id) is not null));
        }).ToArray();
        if (json)
        {
            screen.Json(new { Chapters = chapters.Select(c => new { c.Id, c.Title, c.Claims, c.Computed, Open = c.Claims - c.Computed, Ids = content.Select(c.Id).Select(claim => claim.Id) }) });
            return;
        }
        screen.Fields([.. chapters.Select(c =>
        {
            var counts = new Figures { ["count"] = c.Claims, ["computed"] = c.Computed, ["open"] = c.Claims - c.Computed };
            return (c.Id, $"{c.Title}: {counts.Fill(Word(c.Claims == 1 ? "claim" : "claims"))} ({string.Join(", ", content.Select(c.Id).Select(claim => claim.Id))}); {counts.Fill(Word("computed"))}{(c.Claims > c.Computed ? $", {counts.Fill(Word("opened"))}" : "")}");
        })]);
        screen.Out.WriteLine();
        foreach (var line in TextWrap.Lines(Word("how"), screen.HelpWidth)) screen.Out.WriteLine(line);
    }

    /// <summary>Computes claims one after another and shows each as it comes.</summary>
    /// <param name="course">Computes them.</param>
    /// <param name="claims">Which.</param>
    /// <param name="check">Whether a line for each is enough.</param>
    /// <param name="json">Whether JSON is printed instead, at the end.</param>
    /// <param name="pictures">A folder for pictures, or null.</param>
    /// <param name="cancellation">Ends it within a step.</param>
    public async Task ShowAsync(LectureCourse course, IReadOnlyList<LectureClaim> claims, bool check, bool json, string? pictures, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var findings = new List<(Finding Finding, string? Picture)>();
        foreach (var claim in claims)
        {
            cancellation.ThrowIfCancellationRequested();
            // Tensors, dispose scopes and grad mode stay on one thread.
            var finding = await GenerationThread.Run(() => course.Find(claim)).ConfigureAwait(false);
            var picture = pictures is null || claim.Picture is null || finding.Verdict == ClaimVerdict.Open ? null : await GenerationThread.Run(() => Draw(course, claim, pictures)).ConfigureAwait(false);
            findings.Add((finding, picture));
            if (json) continue;
            if (check) Line(finding);
            else Show(finding, picture, isFirst: findings.Count == 1);
            screen.Out.Flush();
        }
        if (json) screen.Json(new LectureReport(content, language, check).Of(findings, clock.Elapsed));
        else if (check) Total(findings.ConvertAll(f => f.Finding), clock.Elapsed);
    }

    private string? Draw(LectureCourse course, LectureClaim claim, string folder)
    {
        if (course.Draw(claim, language) is not { } picture) return null;
        var path = Path.Combine(Directory.CreateDirectory(folder).FullName, $"{claim.Id}.png");
        picture.Save(path);
        return path;
    }

    private void Show(Finding finding, string? picture, bool isFirst)
    {
        var claim = finding.Claim;
        if (!isFirst) screen.Out.WriteLine();
        screen.Write($"{claim.Id}  ", "bold");
        screen.Write(Word(finding.Verdict.Name()), ColourOf(finding.Verdict));
        screen.Out.WriteLine();
        var fields = new List<(string, string)> { (Word("says"), claim.Says.In(language)) };
        if (finding.FoundIn(language) is { } found) fields.Add((Word("finds"), found));
        fields.Add((Word("why"), finding.ReasonIn(language, content)));
        fields.Add((Word("try"), claim.Command));
        if (picture is not null) fields.Add((Word("picture"), picture));
        else if (claim.Picture is not null) fields.Add((Word("picture"), Word("keep-pictures")));
        screen.Fields(fields, indent: 2);
    }

    private void Line(Finding finding)
    {
        var verdict = Word(finding.Verdict.Name());
        screen.Out.Write(DisplayWidth.Pad(finding.Claim.Id, content.Claims.Max(c => c.Id.Length) + 2));
        screen.Write(verdict, ColourOf(finding.Verdict));
        screen.Out.WriteLine(finding.Verdict == ClaimVerdict.Open ? "" : new string(' ', Math.Max(1, 16 - DisplayWidth.Of(verdict))) + Quantity.Time(finding.Elapsed));
    }

    private void Total(List<Finding> findings, TimeSpan elapsed)
    {
        var counts = new Figures { ["seconds"] = elapsed.TotalSeconds };
        foreach (var verdict in Enum.GetValues<ClaimVerdict>()) counts[verdict.Name().Replace('-', '_')] = findings.Count(f => f.Verdict == verdict);
        screen.Out.WriteLine();
        screen.Out.WriteLine(counts.Fill(Word("total")));
    }

    private string Word(string name) => content.Words[name].In(language);

    private static string ColourOf(ClaimVerdict verdict) => verdict switch
    {
        ClaimVerdict.Reproduced => "green",
        ClaimVerdict.Refined => "yellow",
        ClaimVerdict.NotReproduced => "red",
        _ => "grey",
    };
}
