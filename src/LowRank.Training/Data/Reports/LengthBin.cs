namespace LowRank.Training.Data.Reports;

/// <summary>Rows of like length.</summary>
/// <param name="From">The shortest length.</param>
/// <param name="To">The longest, inclusive.</param>
/// <param name="Rows">How many rows.</param>
internal sealed record LengthBin(int From, int To, int Rows);
