using LowRank.Training.Planning.Sources;

namespace LowRank.Training.Planning.Reports;

/// <summary>What <c>lowrank plan</c> finds. Every figure of its tables is here, in bytes.</summary>
public sealed record PlanReport
{
    /// <summary>The share of the memory that a run should use: the rest is headroom for what no plan foresees.</summary>
    public const double UsableShare = MemoryBudget.UsableShare;

    /// <summary>The model.</summary>
    public required ModelSource Model { get; init; }

    /// <summary>All parameters.</summary>
    public required long Parameters { get; init; }

    /// <summary>The memory there is, in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Whose memory it is, as text.</summary>
    public required string MemoryOrigin { get; init; }

    /// <summary>The bytes that a run should use at most.</summary>
    public long UsableBytes => (long)(MemoryBytes * UsableShare);

    /// <summary>Rows of a batch.</summary>
    public required int Batch { get; init; }

    /// <summary>What is learned.</summary>
    public string Objective { get; init; } = "sft";

    /// <summary>Sequences that a row becomes in the batch: 2 where it is a pair of answers.</summary>
    public int SequencesOfRow { get; init; } = 1;

    /// <summary>Tokens of a row; of a pair, of each answer with its prompt.</summary>
    public required int Length { get; init; }

    /// <summary>The dtype of activations.</summary>
    public required string Dtype { get; init; }

    /// <summary>The targets as they were asked for.</summary>
    public required string Target { get; init; }

    /// <summary>The targets by their names in the model.</summary>
    public required string TargetModules { get; init; }

    /// <summary>The adapter by rank.</summary>
    public required IReadOnlyList<AdapterRow> Adapters { get; init; }

    /// <summary>All ways to train, with each rank, without checkpointing and with it.</summary>
    public required IReadOnlyList<PlanRow> Rows { get; init; }

    /// <summary>What fits at most.</summary>
    public required IReadOnlyList<LargestRow> Largest { get; init; }

    /// <summary>The data, where it is known.</summary>
    public PlannedData? Data { get; init; }

    /// <summary>The time, where the amount of data is known and the machine is this one.</summary>
    public PlannedTime? Time { get; init; }

    /// <summary>What to do: which way fits, or what to change when none does. Sentences.</summary>
    public required IReadOnlyList<string> Advice { get; init; }
}
