namespace LowRank.Training.Monitoring.Jobs;

/// <summary>A run that is going on, as its process wrote it down.</summary>
internal sealed record JobEntry
{
    /// <summary>The process.</summary>
    public required int Pid { get; init; }

    /// <summary>When the process began: numbers of processes are used again.</summary>
    public required DateTimeOffset ProcessStarted { get; init; }

    /// <summary>The machine: home folders are shared between machines and containers.</summary>
    public required string Machine { get; init; }

    /// <summary>The run's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>When the run began in this process.</summary>
    public required DateTimeOffset Started { get; init; }
}
