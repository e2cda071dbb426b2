namespace LowRank.Training.Evaluation;

/// <summary>What an evaluation measures.</summary>
public enum EvaluationMetric
{
    /// <summary>The loss per supervised token, and the perplexity.</summary>
    Loss,

    /// <summary>Besides, the share of rows whose generated answer is exactly the expected one; see <see cref="ExactMatchResult"/>.</summary>
    Exact,

    /// <summary>Besides, SQuAD's F1 between generated and expected answers, and the share that is equal without case, punctuation and articles.</summary>
    F1,

    /// <summary>Besides, of multiple choices the share whose right choice is likeliest: lm-evaluation-harness's <c>acc</c> and <c>acc_norm</c>.</summary>
    Choice,

    /// <summary>Of preferences the loss of the better answers, the share whose better answer is the likelier one, and with an adapter the share whose better answer has the higher reward.</summary>
    Preference,
}
