using LowRank.Training.Settings;

namespace LowRank.Training.Comparison.Parts;

/// <summary>Everything that the result of a part depends on: equal requests have equal results, up to time and memory, and need not be done twice.</summary>
internal sealed record PartRequest
{
    /// <summary>What to do.</summary>
    public required PartKind Kind { get; init; }

    /// <summary>The run's settings; where files go is left open.</summary>
    public required TrainSettings Settings { get; init; }

    /// <summary>XxHash128 of the data files.</summary>
    public required string Data { get; init; }

    /// <summary>What to evaluate: the name of the folder beside the request; null for the base.</summary>
    public string? Weights { get; init; }

    /// <summary>The rows to evaluate on; null for those that are held back.</summary>
    public string? Test { get; init; }

    /// <summary>How many of them; null for all.</summary>
    public int? Rows { get; init; }

    /// <summary>Whether answers are generated.</summary>
    public bool Answers { get; init; }

    /// <summary>The general text; null in training.</summary>
    public string? General { get; init; }
}
