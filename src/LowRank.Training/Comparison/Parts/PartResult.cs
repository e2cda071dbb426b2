namespace LowRank.Training.Comparison.Parts;

/// <summary>A finished part, as its file holds it.</summary>
internal sealed record PartResult
{
    /// <summary>What was asked for.</summary>
    public required PartRequest Request { get; init; }

    /// <summary>What came of it, for <see cref="PartKind.Train"/>.</summary>
    public TrainingMeasure? Training { get; init; }

    /// <summary>What came of it, for <see cref="PartKind.Evaluate"/>.</summary>
    public EvaluationMeasure? Evaluation { get; init; }
}
