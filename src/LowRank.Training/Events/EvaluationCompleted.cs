namespace LowRank.Training.Events;

/// <summary>The held-out data was evaluated.</summary>
public sealed record EvaluationCompleted : TrainingEvent
{
    /// <summary>Mean loss per supervised token.</summary>
    public required double Loss { get; init; }

    /// <summary>e to the loss.</summary>
    public double Perplexity => Math.Exp(Loss);

    /// <summary>Whether it is the best so far.</summary>
    public required bool IsBest { get; init; }

    /// <summary>Held-out prompts with the answers of the model now.</summary>
    public IReadOnlyList<(string Prompt, string Answer)> Samples { get; init; } = [];
}
