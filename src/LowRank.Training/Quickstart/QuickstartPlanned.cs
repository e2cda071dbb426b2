using LowRank.Training.Planning;
using LowRank.Training.Settings;

namespace LowRank.Training.Quickstart;

/// <summary>Everything is set up, and nothing is computed yet.</summary>
public sealed record QuickstartPlanned : QuickstartEvent
{
    /// <summary>The settings of the run; the same ones given to <c>lowrank train</c> give the same adapter.</summary>
    public required TrainSettings Settings { get; init; }

    /// <summary>The model's family, such as <c>llama</c>.</summary>
    public required string Family { get; init; }

    /// <summary>Parameters of the base model.</summary>
    public required long BaseParameters { get; init; }

    /// <summary>Parameters of the adapter.</summary>
    public required long TrainableParameters { get; init; }

    /// <summary>Rows to learn.</summary>
    public required int Rows { get; init; }

    /// <summary>Rows that are held out.</summary>
    public required int HeldOut { get; init; }

    /// <summary>The different answers of the held-out rows.</summary>
    public required int Answers { get; init; }

    /// <summary>The memory that the run is expected to need.</summary>
    public required MemoryPlan Memory { get; init; }
}
