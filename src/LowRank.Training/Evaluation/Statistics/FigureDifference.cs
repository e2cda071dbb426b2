namespace LowRank.Training.Evaluation.Statistics;

/// <summary>By how much a figure of the adapter exceeds that of the base, with the 95 % interval of the difference: both are computed from the same draws of rows.</summary>
/// <param name="Value">The difference.</param>
/// <param name="Low">The lower bound.</param>
/// <param name="High">The upper bound.</param>
public sealed record FigureDifference(double Value, double Low, double High);
