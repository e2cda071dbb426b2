namespace LowRank.Training.Settings;

/// <summary>Settings that cannot be used. All problems are told at once.</summary>
public sealed class SettingsException : LowRankException
{
    internal SettingsException(IReadOnlyList<string> problems)
        : base(problems.Count == 1 ? problems[0] : $"{problems.Count} settings cannot be used:\n  {string.Join("\n  ", problems)}") => Problems = problems;

    /// <summary>What is wrong, each with its place.</summary>
    public IReadOnlyList<string> Problems { get; }
}
