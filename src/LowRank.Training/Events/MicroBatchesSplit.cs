namespace LowRank.Training.Events;

/// <summary>
/// Memory would not have sufficed for the next step, so each micro-batch is computed in parts from now on. The gradient is that of the whole ones but for rounding; a warning says the same
/// in words.
/// </summary>
public sealed record MicroBatchesSplit : TrainingEvent
{
    /// <summary>Into how many parts each micro-batch falls now, or as many as it has rows.</summary>
    public required int Parts { get; init; }

    /// <summary>What was measured, or what failed.</summary>
    public required string Reason { get; init; }
}
