namespace LowRank.Training.Settings;

/// <summary>A setting that has two values in two sets of settings.</summary>
/// <param name="Setting">The setting.</param>
/// <param name="First">Its value in the first, as text; null where it is left open.</param>
/// <param name="Second">Its value in the second.</param>
public sealed record SettingDifference(Setting Setting, string? First, string? Second);
