using LowRank.Training.Planning;
using LowRank.Training.Planning.Reports;
using LowRank.Training.Settings;

namespace LowRank.Training.Advice;

/// <summary>A recommendation for one model, data set, memory and purpose.</summary>
public sealed record AdviceReport
{
    /// <summary>The model as it was called.</summary>
    public required string Model { get; init; }

    /// <summary>What the model is for.</summary>
    public required string Purpose { get; init; }

    /// <summary>Parameters of the base.</summary>
    public required long Parameters { get; init; }

    /// <summary>The memory there is, in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Whose memory it is, as text.</summary>
    public required string MemoryOrigin { get; init; }

    /// <summary>The data.</summary>
    public required PlannedData Data { get; init; }

    /// <summary>What is recommended, each with its reason and source.</summary>
    public required IReadOnlyList<AdvisedChoice> Choices { get; init; }

    /// <summary>Where sources disagree, and what each side costs here.</summary>
    public required IReadOnlyList<Disagreement> Disagreements { get; init; }

    /// <summary>The recommended settings as entries of <c>train</c>.</summary>
    public required IReadOnlyList<SettingEntry> Settings { get; init; }

    /// <summary>The memory of the recommended run.</summary>
    public required MemoryPlan Plan { get; init; }

    /// <summary>Whether it stays within 80 % of the memory.</summary>
    public required bool Fits { get; init; }

    /// <summary>The command that does it.</summary>
    public required string Command { get; init; }
}
