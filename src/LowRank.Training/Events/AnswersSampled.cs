namespace LowRank.Training.Events;

/// <summary>Held-out prompts were answered before the first step, so that answers before and after can be compared.</summary>
public sealed record AnswersSampled : TrainingEvent
{
    /// <summary>The prompts with the model's answers.</summary>
    public required IReadOnlyList<(string Prompt, string Answer)> Samples { get; init; }
}
