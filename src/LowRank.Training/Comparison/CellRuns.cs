using LowRank.Training.Comparison.Parts;

namespace LowRank.Training.Comparison;

/// <summary>The finished parts of a cell.</summary>
/// <param name="Cell">The cell.</param>
/// <param name="LearningRate">The rate that was chosen; null where all failed.</param>
/// <param name="Trials">The rates tried.</param>
/// <param name="Runs">Each seed with its training and evaluation.</param>
/// <param name="Failures">What went wrong.</param>
internal sealed record CellRuns(ComparisonCell Cell, double? LearningRate, IReadOnlyList<RateTrial> Trials, IReadOnlyList<(long Seed, PartResult Training, PartResult Evaluation)> Runs, IReadOnlyList<string> Failures);
