namespace LowRank.Training.Settings;

/// <summary>Where results go.</summary>
public sealed record OutputSettings
{
    /// <summary>The run's folder.</summary>
    [Setting("output", "Folder of the run: the adapter, checkpoints, metrics.jsonl and run.json. It must not exist.", Value = "FOLDER", Required = true)]
    public string Output { get; init; } = "";

    /// <summary>Steps between checkpoints.</summary>
    [Setting("save-every", "Steps between checkpoints, from which the run can be resumed exactly.", Minimum = 1, Automatic = "once an epoch")]
    public int? SaveEvery { get; init; }

    /// <summary>Checkpoints kept.</summary>
    [Setting("keep-checkpoints", "Latest checkpoints that are kept.", Minimum = 1)]
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Whether a report is written.</summary>
    [Setting("report", "Write report.html and report.md at the end: settings, plan and measurement, curves, answers before and after.")]
    public bool Report { get; init; } = true;

    /// <summary>Seconds between looks at the machine.</summary>
    [Setting("monitor-every", "Seconds between samples of processors, memory and GPUs, for metrics.jsonl; 0 takes none.", Minimum = 0, Maximum = 86400)]
    public double MonitorEvery { get; init; } = 3;
}
