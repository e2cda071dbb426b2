namespace LowRank.Adapters;

/// <summary>What combining adapters did.</summary>
/// <param name="Modules">Modules that the new adapter goes on.</param>
/// <param name="Rank">Its largest rank.</param>
/// <param name="Kept">With a method of SVD the share of the Frobenius norm, over all modules, that the rank leaves; else null.</param>
/// <param name="Warnings">What a person should know although it worked.</param>
internal sealed record CombineReport(int Modules, int Rank, double? Kept, IReadOnlyList<string> Warnings);
