namespace LowRank.Training.Advice;

/// <summary>A question on which sources disagree.</summary>
/// <param name="Question">The question.</param>
/// <param name="Opinions">Its sides.</param>
public sealed record Disagreement(string Question, IReadOnlyList<Opinion> Opinions);
