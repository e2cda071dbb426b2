namespace LowRank.Training.Comparison;

/// <summary>A learning rate that a cell tried on the first seed.</summary>
/// <param name="LearningRate">The rate.</param>
/// <param name="ValidationLoss">The held-out loss at the end; null where the run failed.</param>
internal sealed record RateTrial(double LearningRate, double? ValidationLoss);
