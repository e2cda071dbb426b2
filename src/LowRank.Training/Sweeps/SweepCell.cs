using LowRank.Training.Settings;

namespace LowRank.Training.Sweeps;

/// <summary>One combination of what varies.</summary>
/// <param name="Name">What it is called: <c>rank 8 learning-rate 1e-3</c>.</param>
/// <param name="Settings">Its settings.</param>
internal sealed record SweepCell(string Name, TrainSettings Settings)
{
    // What may differ between adapters that are trained in one batch over one base.
    private static readonly string[] Keys = ["rank", "alpha", "target", "variant", "init", "rslora", "learning-rate", "plus", "schedule", "warmup", "weight-decay", "max-grad-norm"];

    /// <summary>Every combination, in the order in which the values were written.</summary>
    /// <exception cref="SettingsException">A key cannot vary, or a value is not of its kind; all are listed.</exception>
    public static IReadOnlyList<SweepCell> Of(SweepSettings settings)
    {
        var varied = Comparison.VariedSetting.Parse(settings.Sweep.Vary);
        var problems = varied.Where(v => !Keys.Contains(v.Key)).Select(v => $"--vary {v.Key}: the runs of a sweep are trained in one batch over one base; there can vary {string.Join(", ", Keys)}{(v.Key is "method" or "seed" ? ", while lowrank compare varies this" : "")}").ToList();
        if (problems.Count > 0) throw new SettingsException(problems);
        if (settings.Adapter.Method == "full") throw new SettingsException(["--method full: a sweep trains adapters side by side over one base, and full fine-tuning has no base in common. lowrank compare runs one after another"]);
        var cells = new List<SweepCell>();
        foreach (var values in Comparison.ComparisonGrid.Combinations(varied))
        {
            try
            {
                cells.Add(new SweepCell(string.Join(' ', values.Select(v => $"{v.Key} {v.Value}")), Comparison.ComparisonGrid.Apply(settings.ToRun(), values)));
            }
            catch (SettingsException error)
            {
                problems.AddRange(error.Problems.Where(p => !problems.Contains(p)));
            }
        }
        return problems.Count > 0 ? throw new SettingsException(problems) : [.. cells.DistinctBy(c => c.Settings)];
    }
}
