namespace LowRank.Training.Comparison;

/// <summary>A figure with its 95 % interval; the bounds are null where none can be given.</summary>
/// <param name="Value">The figure.</param>
/// <param name="Low">The lower bound.</param>
/// <param name="High">The upper bound.</param>
internal sealed record Estimate(double Value, double? Low = null, double? High = null);
