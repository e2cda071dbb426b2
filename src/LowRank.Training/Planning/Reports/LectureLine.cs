namespace LowRank.Training.Planning.Reports;

/// <summary>One line of the lecture's memory bill beside the exact one.</summary>
/// <param name="Claim">The claim's id, such as <c>M2</c>.</param>
/// <param name="Item">What is counted.</param>
/// <param name="Lecture">What the lecture says.</param>
/// <param name="Exact">What is exact.</param>
/// <param name="Reason">Why they differ, or that they agree.</param>
public sealed record LectureLine(string Claim, string Item, string Lecture, string Exact, string Reason);
