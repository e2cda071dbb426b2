namespace LowRank.Training.Planning;

/// <summary>The sizes of a run that decide its memory.</summary>
public sealed record PlannedRun
{
    /// <summary>lora or full.</summary>
    public required string Method { get; init; }

    /// <summary>Parameters of the base.</summary>
    public required long BaseParameters { get; init; }

    /// <summary>Bytes of a base parameter as stored: 2 or 4.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Parameters that are trained.</summary>
    public required long TrainableParameters { get; init; }

    /// <summary>Sum of the adapters' ranks in a layer; 0 for full fine-tuning.</summary>
    public required long AdapterRanks { get; init; }

    /// <summary>Rows that go through the model at once.</summary>
    public required long Rows { get; init; }

    /// <summary>Tokens of the longest row.</summary>
    public required long Length { get; init; }

    /// <summary>Most supervised tokens of a batch.</summary>
    public required long SupervisedTokens { get; init; }

    /// <summary>Layers, from the first, that keep only their input for the backward pass.</summary>
    public int CheckpointedLayers { get; init; }

    /// <summary>Bytes of an activation: 4 for fp32, 2 for bf16.</summary>
    public long ComputeBytes { get; init; } = 4;
}
