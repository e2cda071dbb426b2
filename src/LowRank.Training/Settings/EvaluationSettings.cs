namespace LowRank.Training.Settings;

/// <summary>How progress is measured.</summary>
public sealed record EvaluationSettings
{
    /// <summary>Steps between evaluations.</summary>
    [Setting("eval-every", "Steps between evaluations on the held-out data.", Minimum = 1, Automatic = "once an epoch")]
    public int? EvalEvery { get; init; }

    /// <summary>Early stopping.</summary>
    [Setting("patience", "Stop after this many evaluations without a better held-out loss; the best adapter is kept.", Minimum = 1, Automatic = "never stop early")]
    public int? Patience { get; init; }

    /// <summary>Sample generations.</summary>
    [Setting("samples", "Held-out prompts that are answered at each evaluation, to be read.", Minimum = 0)]
    public int Samples { get; init; } = 1;

    /// <summary>Tokens of a sample.</summary>
    [Setting("sample-tokens", "Most tokens of such an answer.", Minimum = 1)]
    public int SampleTokens { get; init; } = 48;
}
