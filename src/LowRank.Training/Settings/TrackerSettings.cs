using LowRank.Adapters;
using LowRank.Training.Trackers;

namespace LowRank.Training.Settings;

/// <summary>Where a run is followed beside its own <c>metrics.jsonl</c>.</summary>
public sealed record TrackerSettings
{
    /// <summary>The trackers.</summary>
    [Setting("tracker", "Where the run is followed beside metrics.jsonl, which is always written: tensorboard, wandb, mlflow, otel, with commas; docs/trackers.md says what each writes.", Value = "TRACKERS", Automatic = "none")]
    public string? Tracker { get; init; }

    /// <summary>The project of Weights and Biases, the experiment of MLflow.</summary>
    [Setting("project", "Project of the run in Weights & Biases, which is its experiment in MLflow.", Value = "NAME")]
    public string Project { get; init; } = "lowrank";

    /// <summary>The run's name.</summary>
    [Setting("run-name", "Name of the run in its trackers.", Value = "NAME", Automatic = "the name of its folder")]
    public string? RunName { get; init; }

    /// <summary>The run's tags.</summary>
    [Setting("tags", "Tags of the run in its trackers, with commas; name=value is a tag with a value in MLflow.", Value = "TAGS")]
    public string? Tags { get; init; }

    /// <summary>The MLflow server.</summary>
    [Setting("mlflow-uri", "Address of the MLflow server.", Value = "URL", Automatic = "MLFLOW_TRACKING_URI")]
    public string? MlflowUri { get; init; }

    /// <summary>The trackers' names, one by one; empty for none.</summary>
    /// <exception cref="SettingsException">There is no such tracker; all problems are listed.</exception>
    public IReadOnlyList<string> Names()
    {
        var names = Split(Tracker).Where(n => n != TrackerNames.None).Distinct(StringComparer.Ordinal).ToArray();
        var problems = names.Where(n => !TrackerNames.All.Contains(n)).Select(Problem).ToList();
        return problems.Count > 0 ? throw new SettingsException(problems) : names;
    }

    /// <summary>The tags, one by one.</summary>
    internal IReadOnlyList<string> TagList() => Split(Tags);

    private static string[] Split(string? text) => text?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private static string Problem(string name)
    {
        var near = NearestNames.Of(name, TrackerNames.All);
        return $"--tracker: there is no tracker \"{name}\"; {(near.Count > 0 ? $"did you mean {string.Join(" or ", near)}?" : $"there are {string.Join(", ", TrackerNames.All)}, and none")}";
    }
}
