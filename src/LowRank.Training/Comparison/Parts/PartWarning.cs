namespace LowRank.Training.Comparison.Parts;

/// <summary>What was odd about a run.</summary>
/// <param name="Guard">The guard that found it, or null.</param>
/// <param name="Message">What it says, with the figures of this run.</param>
internal sealed record PartWarning(string? Guard, string Message);
