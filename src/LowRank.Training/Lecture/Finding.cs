using LowRank.Training.Lecture.Content;

namespace LowRank.Training.Lecture;

/// <summary>What was found for a claim.</summary>
/// <param name="Claim">The claim.</param>
/// <param name="Verdict">What the figures say of it.</param>
/// <param name="Figures">The figures; empty for an open claim.</param>
/// <param name="Elapsed">How long it took, without what an earlier claim had computed.</param>
internal sealed record Finding(LectureClaim Claim, ClaimVerdict Verdict, Figures Figures, TimeSpan Elapsed)
{
    /// <summary>What LowRank found, with the numbers; null for an open claim.</summary>
    public string? FoundIn(LectureLanguage language) => Claim.Finds is { } text && Verdict != ClaimVerdict.Open ? Figures.Fill(text.In(language)) : null;

    /// <summary>Why it differs from the lecture or agrees with it, with the numbers.</summary>
    public string ReasonIn(LectureLanguage language, LectureContent content) => Figures.Fill(content.ReasonFor(Claim, Verdict).In(language));
}
