using System.Text.Json;

namespace LowRank.Training.Comparison;

/// <summary>The outcome of a comparison, as <c>results.json</c> holds it.</summary>
internal sealed record ComparisonResult
{
    /// <summary>The file's name.</summary>
    public const string FileName = "results.json";

    /// <summary>The version of LowRank.</summary>
    public required string Version { get; init; }

    /// <summary>The base model.</summary>
    public required string Model { get; init; }

    /// <summary>What varies.</summary>
    public required string Vary { get; init; }

    /// <summary>Test rows.</summary>
    public required int Rows { get; init; }

    /// <summary>The base; null where it could not be measured.</summary>
    public BaseResult? Base { get; init; }

    /// <summary>The cells.</summary>
    public required IReadOnlyList<CellResult> Cells { get; init; }

    /// <summary>What a reader should know about the figures.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>The result as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ComparisonJson.Default.ComparisonResult);
}
