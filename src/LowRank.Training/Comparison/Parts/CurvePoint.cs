namespace LowRank.Training.Comparison.Parts;

/// <summary>A held-out loss in the course of a run.</summary>
/// <param name="Step">Steps taken.</param>
/// <param name="Loss">The loss per supervised token.</param>
internal sealed record CurvePoint(long Step, double Loss);
