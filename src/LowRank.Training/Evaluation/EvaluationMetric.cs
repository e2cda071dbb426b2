namespace LowRank.Training.Evaluation;

/// <summary>What an evaluation measures.</summary>
public enum EvaluationMetric
{
    /// <summary>The loss per supervised token, and the perplexity.</summary>
    Loss,

    /// <summary>Besides, the share of rows whose generated answer is exactly the expected one; see <see cref="ExactMatchResult"/>.</summary>
    Exact,
}
