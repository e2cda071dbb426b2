using System.Text.Json;
using System.Text.Json.Serialization;

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

    /// <summary>The share of rows answered exactly as expected, from 0 to 1, or null where it was not measured; see <see cref="ExactMatchResult"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Accuracy { get; init; }

    /// <summary>Rows evaluated.</summary>
    public required int Rows { get; init; }

    /// <summary>The rows that were answered wrongly, where <see cref="Accuracy"/> was measured. Not part of the JSON.</summary>
    [JsonIgnore]
    public IReadOnlyList<WrongAnswer> Wrong { get; init; } = [];

    /// <summary>The result as JSON, with the keys <c>loss</c>, <c>perplexity</c>, <c>supervised_tokens</c>, <c>accuracy</c> (if measured) and <c>rows</c>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, EvaluationJson.Default.EvaluationResult);
}
