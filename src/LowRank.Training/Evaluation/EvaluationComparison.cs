using System.Text.Json;

namespace LowRank.Training.Evaluation;

/// <summary>The same rows without and with the adapter.</summary>
/// <param name="Base">The base model's result.</param>
/// <param name="Adapter">The result with the adapter.</param>
public sealed record EvaluationComparison(EvaluationResult Base, EvaluationResult Adapter)
{
    /// <summary>Both results as JSON, under the keys <c>base</c> and <c>adapter</c>, each as <see cref="EvaluationResult.ToJson"/>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, EvaluationJson.Default.EvaluationComparison);
}
