using System.Text.Json;
using LowRank.Training.Evaluation.Statistics;

namespace LowRank.Training.Evaluation;

/// <summary>The same rows without and with the adapter.</summary>
/// <param name="Base">The base model's result.</param>
/// <param name="Adapter">The result with the adapter.</param>
public sealed record EvaluationComparison(EvaluationResult Base, EvaluationResult Adapter)
{
    /// <summary>By how much the adapter's figures exceed the base's, by their names in the JSON, with paired 95 % intervals over the same rows; computed when asked for.</summary>
    public IReadOnlyDictionary<string, FigureDifference> Differences() =>
        Adapter.Figures.Select(f => (f.Name, Difference: Base.Figures.FirstOrDefault(b => b.Name == f.Name) is { } other ? f.Minus(other) : null))
            .Where(f => f.Difference is not null).ToDictionary(f => f.Name, f => f.Difference!, StringComparer.Ordinal);

    /// <summary>Both results as JSON, under the keys <c>base</c> and <c>adapter</c>, each as <see cref="EvaluationResult.ToJson"/>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, EvaluationJson.Default.EvaluationComparison);
}
