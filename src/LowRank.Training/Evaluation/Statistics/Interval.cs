namespace LowRank.Training.Evaluation.Statistics;

/// <summary>A 95 % interval by the bootstrap over rows: how far a figure may be off because there are only so many of them.</summary>
/// <param name="Low">The lower bound.</param>
/// <param name="High">The upper bound.</param>
public sealed record Interval(double Low, double High);
