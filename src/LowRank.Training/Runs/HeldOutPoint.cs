namespace LowRank.Training.Runs;

/// <summary>An evaluation of a past run on its held-out rows.</summary>
/// <param name="Step">Steps taken by then.</param>
/// <param name="Loss">Loss per supervised token, or per pair of preferences.</param>
/// <param name="IsBest">Whether it was the best by then.</param>
/// <param name="Samples">Prompts with answers.</param>
internal sealed record HeldOutPoint(long Step, double Loss, bool IsBest, IReadOnlyList<SampledAnswer> Samples);
