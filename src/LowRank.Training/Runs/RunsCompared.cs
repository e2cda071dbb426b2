using LowRank.Training.Settings;

namespace LowRank.Training.Runs;

/// <summary>Runs side by side: the settings in which they differ, and what came of them.</summary>
internal sealed record RunsCompared
{
    /// <summary>The runs.</summary>
    public required IReadOnlyList<RunSummary> Runs { get; init; }

    /// <summary>Settings that are not the same in all of them, with a value for each run; null where one left it open.</summary>
    public required IReadOnlyList<SettingValues> Settings { get; init; }

    /// <summary>Compares runs.</summary>
    /// <param name="runs">At least one.</param>
    public static RunsCompared Of(IReadOnlyList<RunHistory> runs) => new()
    {
        Runs = [.. runs.Select(r => RunSummary.Of(r, Common(runs)))],
        // Where files go differs always and says nothing.
        Settings = [.. SettingsSchema<TrainSettings>.All.Where(s => s.Key != "output")
            .Select(s => new SettingValues(s.Key, [.. runs.Select(r => Setting.Format(s.Get(r.Record.Settings)))]))
            .Where(s => s.Values.Distinct(StringComparer.Ordinal).Count() > 1)],
    };

    // The folder that all of them lie in: below it their names differ.
    private static string Common(IReadOnlyList<RunHistory> runs)
    {
        var common = Path.GetDirectoryName(runs[0].Folder) ?? runs[0].Folder;
        while (Path.GetDirectoryName(common) is { } above && !runs.All(r => r.Folder.StartsWith(Path.TrimEndingDirectorySeparator(common) + Path.DirectorySeparatorChar, StringComparison.Ordinal))) common = above;
        return common;
    }
}
