namespace LowRank.Training.Runs;

/// <summary>A setting with its value in each of several runs.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Values">The values as text, in the order of the runs; null where one left it open.</param>
internal sealed record SettingValues(string Key, IReadOnlyList<string?> Values);
