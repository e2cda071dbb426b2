namespace LowRank.Training.Events;

/// <summary>The run is over, and what it trained is on disk.</summary>
public sealed record RunCompleted : TrainingEvent
{
    /// <summary>Why it ended.</summary>
    public required RunEnd End { get; init; }

    /// <summary>The folder with the adapter or model.</summary>
    public required string Folder { get; init; }

    /// <summary>Mean training loss of the last epoch, or of all steps of this process where it was shorter.</summary>
    public required double TrainLoss { get; init; }

    /// <summary>The best held-out loss, or null.</summary>
    public double? BestValidationLoss { get; init; }

    /// <summary>Time in this process.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Tokens a second over the steps of this process.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>The highest resident memory of the process, in bytes; of a run on a GPU the most that it was seen to hold of the GPU's memory, where NVML tells.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>What had been expected, in bytes, or null.</summary>
    public long? PredictedPeakBytes { get; init; }
}
