namespace LowRank.Training.Evaluation;

/// <summary>What an evaluation found.</summary>
public sealed record EvaluationResult
{
    /// <summary>Mean loss per supervised token over all rows.</summary>
    public required double Loss { get; init; }

    /// <summary>e to the loss.</summary>
    public double Perplexity => Math.Exp(Loss);

    /// <summary>Tokens that the loss counts.</summary>
    public required long SupervisedTokens { get; init; }

    /// <summary>Rows evaluated.</summary>
    public required int Rows { get; init; }
}
