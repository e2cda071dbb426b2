using System.Globalization;
using System.Text;
using System.Text.Json;
using LowRank.Formats;
using LowRank.Training.Comparison;
using LowRank.Training.Pictures;
using LowRank.Training.Settings;

namespace LowRank.Training.Sweeps;

/// <summary>Writes what a sweep found: <c>table.md</c> and a picture of the held-out losses.</summary>
internal static class SweepReport
{
    /// <summary>Writes the files, each whole or not at all.</summary>
    public static void Write(string folder, SweepResult result)
    {
        AtomicFile.WriteAllText(Path.Combine(folder, "table.md"), $"# {result.Vary}\n\n{Table(result).ToMarkdown()}\nBest: {result.Best}. `lowrank train --config best.yaml` runs it again; `best` is its adapter.\n");
        Curves(result).Save(Path.Combine(folder, "curves.png"));
    }

    /// <summary>The table: a row for each run, the best first.</summary>
    public static TextTable Table(SweepResult result) => new("Held-out loss at the end of each round", ["run", "learning rate", "trained", .. result.RoundSteps.Select(s => string.Create(CultureInfo.InvariantCulture, $"step {s}")), ""],
    [
        .. result.Runs.OrderByDescending(r => r.Losses.Count).ThenBy(r => r.Losses.Count > 0 ? r.Losses[^1] : 0).Select(r => (IReadOnlyList<string>)
        [
            r.Name, r.LearningRate.ToString("0.##e+0", CultureInfo.InvariantCulture), r.Trainable.ToString("N0", CultureInfo.InvariantCulture),
            .. result.RoundSteps.Select((_, i) => i < r.Losses.Count ? r.Losses[i].ToString("0.0000", CultureInfo.InvariantCulture) : ""),
            r.Name == result.Best ? "best" : r.LeftOutAt is { } at ? string.Create(CultureInfo.InvariantCulture, $"left out at {at}") : "",
        ]),
    ]);

    /// <summary>The settings of a run as a file for <c>lowrank train --config</c>: what varied, and what is not at its default.</summary>
    public static string Yaml(TrainSettings settings, IReadOnlyCollection<string> varied)
    {
        var standard = new TrainSettings();
        var text = new StringBuilder("# lowrank train --config best.yaml --output FOLDER\n");
        foreach (var setting in SettingsSchema<TrainSettings>.All.Where(s => s.Group is not nameof(TrainSettings.Evaluation) && (varied.Contains(s.Key) || !Equals(s.Get(standard), s.Get(settings)))))
            if (Setting.Format(setting.Get(settings)) is { } value)
                text.Append(setting.Key).Append(": ").Append(setting.ValueName is "COUNT" or "NUMBER" ? value : JsonSerializer.Serialize(value)).Append('\n');
        return text.ToString();
    }

    private static LineChart Curves(SweepResult result)
    {
        double[] losses = [.. result.Runs.SelectMany(r => r.Losses).Where(double.IsFinite)];
        return new LineChart
        {
            Title = "Held-out loss of the runs, until they are left out",
            XLabel = "step",
            YLabel = "loss per token",
            IsLogarithmic = losses.Min() > 0 && losses.Max() > 10 * losses.Min(),
            Curves = [.. result.Runs.Where(r => r.Losses.Any(double.IsFinite)).Select(r => new Curve(r.Name, [.. r.Losses.Select((_, i) => (double)result.RoundSteps[i])], [.. r.Losses]))],
        };
    }
}
