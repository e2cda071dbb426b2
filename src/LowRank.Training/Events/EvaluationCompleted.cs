namespace LowRank.Training.Events;

/// <summary>The held-out data was evaluated.</summary>
public sealed record EvaluationCompleted : TrainingEvent
{
    /// <summary>Mean loss per supervised token, or per pair where preferences are learned.</summary>
    public required double Loss { get; init; }

    /// <summary>What the model thinks of the held-out preferences; null where there are none.</summary>
    public PreferenceMetrics? Preference { get; init; }

    /// <summary>e to the loss; NaN for the loss of preferences, which is none of tokens.</summary>
    public double Perplexity => Preference is null ? Math.Exp(Loss) : double.NaN;

    /// <summary>Whether it is the best so far.</summary>
    public required bool IsBest { get; init; }

    /// <summary>Held-out prompts with the answers of the model now.</summary>
    public IReadOnlyList<(string Prompt, string Answer)> Samples { get; init; } = [];
}
