using System.Text.Json.Serialization;

namespace LowRank.Training.Trackers.Mlflow;

/// <summary>JSON of <see cref="MlflowState"/>.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(MlflowState))]
internal sealed partial class MlflowJson : JsonSerializerContext;
