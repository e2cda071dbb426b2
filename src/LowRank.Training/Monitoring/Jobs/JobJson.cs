using System.Text.Json;
using System.Text.Json.Serialization;

namespace LowRank.Training.Monitoring.Jobs;

/// <summary>JSON of the list of running jobs.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(JobEntry))]
internal sealed partial class JobJson : JsonSerializerContext;
