using System.Text.Json.Serialization;

namespace LowRank.Training.Evaluation;

/// <summary>JSON of evaluations. A loss that is no number is written as a text ("NaN"), as JSON has no other way.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(EvaluationResult))]
[JsonSerializable(typeof(EvaluationComparison))]
internal sealed partial class EvaluationJson : JsonSerializerContext;
