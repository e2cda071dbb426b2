namespace LowRank.Training.Comparison;

/// <summary>The base model as it is, on the same rows.</summary>
internal sealed record BaseResult
{
    /// <summary>Loss on the test rows.</summary>
    public required double Loss { get; init; }

    /// <summary>The share of right answers, from 0 to 1; null where none were generated.</summary>
    public Estimate? Accuracy { get; init; }

    /// <summary>Loss on the general text.</summary>
    public required double GeneralLoss { get; init; }

    /// <summary>Tokens a second of one answer.</summary>
    public required double DecodeTokensPerSecond { get; init; }
}
