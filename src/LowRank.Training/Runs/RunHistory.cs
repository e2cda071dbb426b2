using LowRank.Training.Checkpoints;
using LowRank.Training.Events;

namespace LowRank.Training.Runs;

/// <summary>A run as its folder tells it: <c>run.json</c> and <c>metrics.jsonl</c>.</summary>
internal sealed record RunHistory
{
    // The loss at the end is a mean of as many steps: one batch is noise.
    private const int LastSteps = 20;

    /// <summary>The run's folder, a full path.</summary>
    public required string Folder { get; init; }

    /// <summary>What it was.</summary>
    public required RunRecord Record { get; init; }

    /// <summary>How it stands.</summary>
    public required RunState State { get; init; }

    /// <summary>Steps of the whole run; 0 where it never began.</summary>
    public long TotalSteps { get; init; }

    /// <summary>Parameters that were trained.</summary>
    public long TrainableParameters { get; init; }

    /// <summary>All parameters.</summary>
    public long AllParameters { get; init; }

    /// <summary>Examples learned from.</summary>
    public long Examples { get; init; }

    /// <summary>Examples held out.</summary>
    public long ValidationExamples { get; init; }

    /// <summary>What LowRank chose.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>The steps.</summary>
    public IReadOnlyList<StepPoint> Steps { get; init; } = [];

    /// <summary>The evaluations.</summary>
    public IReadOnlyList<HeldOutPoint> HeldOut { get; init; } = [];

    /// <summary>Answers before the first step.</summary>
    public IReadOnlyList<SampledAnswer> First { get; init; } = [];

    /// <summary>The looks at the machine.</summary>
    public IReadOnlyList<MachinePoint> Machine { get; init; } = [];

    /// <summary>The warnings, each once, with their guards.</summary>
    public IReadOnlyList<(string? Id, string Message)> Warnings { get; init; } = [];

    /// <summary>The ends: one for each process that came to one.</summary>
    public IReadOnlyList<RunEnding> Endings { get; init; } = [];

    /// <summary>The last end, or null.</summary>
    public RunEnding? Ending => Endings.Count > 0 ? Endings[^1] : null;

    /// <summary>Steps taken.</summary>
    public long LastStep => Steps.Count > 0 ? Steps[^1].Step : 0;

    /// <summary>The training loss at the end: what the run told, else the mean of the last steps by their tokens or pairs; null before the first.</summary>
    public double? FinalLoss
    {
        get
        {
            if (State is RunState.Finished or RunState.StoppedEarly && Ending is { } end && double.IsFinite(end.TrainLoss)) return end.TrainLoss;
            var last = Steps.Where(s => double.IsFinite(s.Loss)).TakeLast(LastSteps).ToList();
            return last.Count == 0 ? null : last.Sum(s => s.Loss * s.Terms) / Math.Max(1, last.Sum(s => s.Terms));
        }
    }

    /// <summary>The best held-out loss; null without held-out rows.</summary>
    public double? BestHeldOut => HeldOut.Where(h => double.IsFinite(h.Loss)).Select(h => (double?)h.Loss).Min();

    /// <summary>The highest resident memory in MiB; null before the first step.</summary>
    public double? PeakMiB => Endings.Select(e => e.PeakMiB).Concat(Steps.Select(s => s.PeakMiB)).Select(p => (double?)p).Max();

    /// <summary>What was planned of that, in MiB; null where nothing was planned.</summary>
    public double? PlannedMiB => Ending?.PredictedMiB ?? (Record.PlannedMemory is { } parts ? parts.Values.Sum() / 1048576.0 : null);

    /// <summary>Time in all processes of the run, in seconds: where one came to no end, that of its steps.</summary>
    public double Seconds
    {
        get
        {
            var told = Endings.Sum(e => e.Seconds);
            var last = Endings.Count > 0 ? Endings[^1].Step : 0;
            return told + Steps.Where(s => s.Step > last).Sum(s => s.Seconds);
        }
    }

    /// <summary>Tokens a second over all steps.</summary>
    public double? TokensPerSecond => Ending?.TokensPerSecond ?? (Steps.Sum(s => s.Seconds) is > 0 and var seconds ? Steps.Sum(s => s.Tokens) / seconds : null);

    /// <summary>Whether a folder holds a run.</summary>
    public static bool IsRun(string folder) => File.Exists(Path.Combine(folder, RunRecord.FileName));

    /// <summary>Reads a run.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="isRunning">Whether its process is known to go on.</param>
    /// <exception cref="LowRankException">The folder holds no run, or its record is damaged.</exception>
    public static RunHistory Load(string folder, bool isRunning = false)
    {
        var reader = new MetricsReader();
        var metrics = Path.Combine(folder, MetricsFile.FileName);
        var record = RunRecord.Load(folder);
        if (File.Exists(metrics)) reader.Read(metrics);
        var history = reader.ToHistory(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)), record);
        return history with { State = isRunning ? RunState.Running : history.State };
    }

    /// <summary>Reads of a run that goes on what it was and its last steps.</summary>
    /// <param name="folder">Its folder.</param>
    /// <exception cref="LowRankException">The folder holds no run, or its record is damaged.</exception>
    public static RunHistory LoadEnd(string folder)
    {
        var reader = new MetricsReader();
        var metrics = Path.Combine(folder, MetricsFile.FileName);
        var record = RunRecord.Load(folder);
        if (File.Exists(metrics)) reader.ReadEnds(metrics);
        return reader.ToHistory(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)), record) with { State = RunState.Running };
    }
}
