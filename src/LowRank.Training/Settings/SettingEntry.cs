namespace LowRank.Training.Settings;

/// <summary>A setting as somebody wrote it.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value as text; null leaves it open.</param>
/// <param name="Where">Where it was written, for messages: <c>--rank</c>, or <c>run.yaml:3: rank</c>.</param>
public readonly record struct SettingEntry(string Key, string? Value, string Where);
