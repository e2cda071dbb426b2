namespace LowRank.Training.Comparison.Parts;

/// <summary>What an evaluation showed.</summary>
internal sealed record EvaluationMeasure
{
    /// <summary>Loss per supervised token on the test rows.</summary>
    public required double Loss { get; init; }

    /// <summary>Test rows.</summary>
    public required int Rows { get; init; }

    /// <summary>For each test row 1 where it was answered rightly, else 0; null where no answers were generated.</summary>
    public string? Answers { get; init; }

    /// <summary>Loss per token on the general text.</summary>
    public required double GeneralLoss { get; init; }

    /// <summary>Tokens a second of one answer, without the prompt.</summary>
    public required double DecodeTokensPerSecond { get; init; }
}
