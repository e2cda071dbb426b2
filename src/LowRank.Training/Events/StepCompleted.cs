using LowRank.Optimizers;

namespace LowRank.Training.Events;

/// <summary>An optimizer step was taken.</summary>
public sealed record StepCompleted : TrainingEvent
{
    /// <summary>Mean loss per supervised token of the step's batch, before the step; per pair or judged answer where preferences are learned.</summary>
    public required double Loss { get; init; }

    /// <summary>What the model thinks of the step's preferences; null where there are none.</summary>
    public PreferenceMetrics? Preference { get; init; }

    /// <summary>How many terms the loss is a mean of.</summary>
    internal long Terms => Preference?.Count ?? SupervisedTokens;

    /// <summary>The learning rate of the step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The norm of the gradient before clipping.</summary>
    public required double GradientNorm { get; init; }

    /// <summary>Epochs done, as a fraction.</summary>
    public required double Epoch { get; init; }

    /// <summary>Tokens of the step's batch, padding not counted.</summary>
    public required long Tokens { get; init; }

    /// <summary>Supervised tokens of the step's batch.</summary>
    public required long SupervisedTokens { get; init; }

    /// <summary>Tokens a second of this step.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Resident memory of the process after the step, in bytes.</summary>
    public required long ResidentBytes { get; init; }

    /// <summary>The highest resident memory of the process so far, in bytes.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>Bytes that the optimizer moved between memory and the file of its paged state; null where it is not paged.</summary>
    public PagingTraffic? Paging { get; init; }

    /// <summary>Time that the remaining steps will take at the pace so far; null in the first steps.</summary>
    public TimeSpan? TimeLeft { get; init; }
}
