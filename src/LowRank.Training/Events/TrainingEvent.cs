namespace LowRank.Training.Events;

/// <summary>Something that happened in a run: the one stream from which console, files and trackers are fed.</summary>
public abstract record TrainingEvent
{
    /// <summary>Optimizer steps taken when it happened.</summary>
    public long Step { get; init; }
}
