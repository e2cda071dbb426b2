namespace LowRank.Training.Comparison;

/// <summary>The held-out loss at a step, over the seeds.</summary>
/// <param name="Step">Steps taken.</param>
/// <param name="Mean">The mean.</param>
/// <param name="Low">The least.</param>
/// <param name="High">The greatest.</param>
internal sealed record BandPoint(long Step, double Mean, double Low, double High);
