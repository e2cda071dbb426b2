using System.Text.Json;
using System.Text.Json.Serialization;
using LowRank.Training.Evaluation.Statistics;

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

    /// <summary>
    /// The share of rows that are right, from 0 to 1, by the metric that was asked for (<see cref="EvaluationMetric"/>), or null where none was: answered exactly as expected, answered as
    /// SQuAD compares, the right choice likeliest, or the better answer likelier.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Accuracy { get; init; }

    /// <summary>The mean of SQuAD's F1 over rows, from 0 to 1, where it was measured.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? F1 { get; init; }

    /// <summary>The share of multiple choices whose right choice is likeliest by character: lm-evaluation-harness's <c>acc_norm</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), JsonPropertyName("acc_norm")]
    public double? AccuracyNormalized { get; init; }

    /// <summary>The share of preferences whose better answer became likelier, against the base, by more than the other; null without an adapter.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? RewardAccuracy { get; init; }

    /// <summary>Rows evaluated.</summary>
    public required int Rows { get; init; }

    /// <summary>The rows that were answered wrongly, where <see cref="Accuracy"/> was measured. Not part of the JSON.</summary>
    [JsonIgnore]
    public IReadOnlyList<WrongAnswer> Wrong { get; init; } = [];

    /// <summary>The figures row by row.</summary>
    internal IReadOnlyList<Figure> Figures { get; init; } = [];

    /// <summary>95 % intervals of the figures by their names in the JSON, computed when asked for; empty where a figure has none.</summary>
    public IReadOnlyDictionary<string, Interval> Intervals() =>
        Figures.Select(f => (f.Name, Interval: f.Interval())).Where(f => f.Interval is not null).ToDictionary(f => f.Name, f => f.Interval!, StringComparer.Ordinal);

    /// <summary>
    /// The result as JSON, with the keys <c>loss</c>, <c>perplexity</c>, <c>supervised_tokens</c>, <c>rows</c>, and where measured <c>accuracy</c>, <c>f1</c>, <c>acc_norm</c>,
    /// <c>reward_accuracy</c>. Intervals are not in it.
    /// </summary>
    public string ToJson() => JsonSerializer.Serialize(this, EvaluationJson.Default.EvaluationResult);
}
