using System.Text.Json;
using System.Text.Json.Serialization;
using LowRank.Training.Comparison.Parts;

namespace LowRank.Training.Comparison;

/// <summary>JSON of comparisons: their parts, and their results. A figure that is no number is written as a text ("NaN"), as JSON has no other way.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, UseStringEnumConverter = true)]
[JsonSerializable(typeof(PartRequest))]
[JsonSerializable(typeof(PartResult))]
[JsonSerializable(typeof(ComparisonResult))]
internal sealed partial class ComparisonJson : JsonSerializerContext;
