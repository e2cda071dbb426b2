using System.Diagnostics;
using LowRank.Training.Lecture.Content;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Pictures;

namespace LowRank.Training.Lecture;

/// <summary>The lecture as something to be run: every claim that has a check is computed, the others are open.</summary>
/// <param name="laboratory">Where they are computed.</param>
internal sealed class LectureCourse(LectureLaboratory laboratory)
{
    /// <summary>Computes a claim on the calling thread.</summary>
    /// <exception cref="LowRankException">The model or its data cannot be loaded.</exception>
    public Finding Find(LectureClaim claim)
    {
        if (ClaimChecks.For(claim.Id) is not { } check) return new Finding(claim, ClaimVerdict.Open, [], TimeSpan.Zero);
        var clock = Stopwatch.StartNew();
        var figures = check.Measure(laboratory);
        return new Finding(claim, check.Judge(figures), figures, clock.Elapsed);
    }

    /// <summary>The picture of a claim that was computed, or null where it has none.</summary>
    public Picture? Draw(LectureClaim claim, LectureLanguage language) =>
        claim.Picture is { } text && ClaimChecks.For(claim.Id) is IPicturedClaim pictured ? pictured.Draw(laboratory, text, language) : null;
}
