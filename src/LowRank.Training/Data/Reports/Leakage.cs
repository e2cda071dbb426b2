namespace LowRank.Training.Data.Reports;

/// <summary>Held-out rows that training has seen.</summary>
/// <param name="File">The held-out data.</param>
/// <param name="Rows">How many rows are held out.</param>
/// <param name="Same">Those that are training rows, word by word.</param>
/// <param name="SamePrompt">Those whose prompt is that of a training row, with another answer.</param>
internal sealed record Leakage(string File, int Rows, FoundRows Same, FoundRows SamePrompt);
