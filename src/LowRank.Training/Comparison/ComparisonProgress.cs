using LowRank.Training.Comparison.Parts;

namespace LowRank.Training.Comparison;

/// <summary>Where a comparison stands.</summary>
internal sealed record ComparisonProgress
{
    /// <summary>The part: <c>lora r 8, learning rate 3e-4, seed 0</c>.</summary>
    public required string Part { get; init; }

    /// <summary>Which it is, from 1.</summary>
    public required int Number { get; init; }

    /// <summary>All parts.</summary>
    public required int Total { get; init; }

    /// <summary>How far the part is; null when it begins or ends.</summary>
    public PartProgress? Inner { get; init; }

    /// <summary>What came of it, when it ends.</summary>
    public string? Outcome { get; init; }

    /// <summary>Whether it was done in an earlier call.</summary>
    public bool IsKept { get; init; }

    /// <summary>The time that the others will take, when it ends; null where nothing is known of it yet.</summary>
    public TimeSpan? TimeLeft { get; init; }
}
