using LowRank.Training.Evaluation;

namespace LowRank.Training.Quickstart;

/// <summary>The held-out rows were asked.</summary>
/// <param name="IsTrained">Whether with the adapter, after training, or without it, before.</param>
/// <param name="Result">What was answered rightly.</param>
public sealed record QuickstartMeasured(bool IsTrained, ExactMatchResult Result) : QuickstartEvent;
