using LowRank.Training.Data;
using LowRank.Training.Evaluation.Answers;

namespace LowRank.Training.Evaluation;

/// <summary>How a model is evaluated on rows.</summary>
public sealed record EvaluationOptions
{
    /// <summary>What is measured. Default <see cref="EvaluationMetric.Loss"/>.</summary>
    public EvaluationMetric Metric { get; init; } = EvaluationMetric.Loss;

    /// <summary>Rows at a time. Default 16. The result does not depend on it beyond rounding.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>What the loss counts. Default the assistant's turns.</summary>
    public TrainOn TrainOn { get; init; } = TrainOn.Assistant;

    /// <summary>The most tokens of a row for the loss; what is beyond is cut off. Default null: the model's context, at most 2048.</summary>
    public int? MaxLength { get; init; }

    /// <summary>The most tokens of a generated answer. Default 512. Ignored unless answers are generated.</summary>
    public int MaxNewTokens { get; init; } = 512;

    /// <summary>
    /// Tokens that an answer may have beyond those of the expected one, end token included, before it is given up as wrong: another way to cut the same text into
    /// tokens must fit. Default 16. Ignored unless answers are generated.
    /// </summary>
    public int AnswerMargin { get; init; } = 16;

    /// <summary>
    /// A regular expression for what counts of an answer, such as <c>#### (.*)</c>: its first group, or the whole match, is compared in generated and expected answers with
    /// <see cref="EvaluationMetric.Exact"/>, whether or not the model ended its answer. Default null: the whole answer counts.
    /// </summary>
    public string? AnswerPattern { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxNewTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(AnswerMargin, 1);
        // What is wrong with a pattern is told before the minutes that answers take.
        if (AnswerPattern is not null) _ = new AnswerPattern(AnswerPattern);
        if (AnswerPattern is not null && Metric != EvaluationMetric.Exact) throw new LowRankException("A pattern for answers goes with the metric exact alone: --metric exact.");
    }
}
