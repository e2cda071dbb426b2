using LowRank.Training.Events;
using LowRank.Training.Runs;

namespace LowRank.Training.Monitoring.Jobs;

/// <summary>A run that is going on, and where it stands: its own last words in <c>metrics.jsonl</c>, and its process as it is now.</summary>
internal sealed record JobStatus
{
    /// <summary>The process.</summary>
    public required int Pid { get; init; }

    /// <summary>The run's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>When the run began in this process.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>The base model; null where the folder cannot be read.</summary>
    public string? Model { get; init; }

    /// <summary>lora, qlora or full.</summary>
    public string? Method { get; init; }

    /// <summary>Steps taken.</summary>
    public long Step { get; init; }

    /// <summary>Steps of the whole run; 0 before its begin.</summary>
    public long TotalSteps { get; init; }

    /// <summary>The mean loss of the last steps.</summary>
    public double? Loss { get; init; }

    /// <summary>Tokens a second of the last step.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Resident memory of the process, in bytes.</summary>
    public long ResidentBytes { get; init; }

    /// <summary>What the rest will take at the pace so far, in seconds; null in the first steps.</summary>
    public double? SecondsLeft { get; init; }

    /// <summary>Looks at a run.</summary>
    /// <param name="entry">Its entry.</param>
    /// <param name="time">The clock.</param>
    /// <returns>Null where its process has ended meanwhile.</returns>
    public static JobStatus? Of(JobEntry entry, TimeProvider time)
    {
        if (ProcessProbe.Of(entry.Pid) is not { } process) return null;
        var status = new JobStatus { Pid = entry.Pid, Folder = entry.Folder, Started = entry.Started, ResidentBytes = process.ResidentBytes };
        RunHistory run;
        try
        {
            run = RunHistory.LoadEnd(entry.Folder);
        }
        catch (Exception error) when (error is LowRankException or IOException or UnauthorizedAccessException)
        {
            // The folder was moved, or is not readable to this user: the process is there all the same.
            return status;
        }
        var last = run.Steps.Count > 0 ? run.Steps[^1] : default;
        var age = time.GetUtcNow() - File.GetLastWriteTimeUtc(Path.Combine(entry.Folder, MetricsFile.FileName));
        return status with
        {
            Model = run.Record.Settings.Model.Model,
            Method = run.Record.Settings.Adapter.Method,
            Step = run.LastStep,
            TotalSteps = run.TotalSteps,
            Loss = run.FinalLoss,
            TokensPerSecond = run.Steps.Count > 0 ? last.TokensPerSecond : null,
            SecondsLeft = last.SecondsLeft is { } left ? Math.Max(0, left - age.TotalSeconds) : null,
        };
    }
}
