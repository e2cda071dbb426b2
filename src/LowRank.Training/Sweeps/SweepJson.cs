using System.Text.Json;
using System.Text.Json.Serialization;

namespace LowRank.Training.Sweeps;

/// <summary>JSON of sweeps. A figure that is no number is written as a text ("NaN"), as JSON has no other way.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(SweepResult))]
internal sealed partial class SweepJson : JsonSerializerContext;
