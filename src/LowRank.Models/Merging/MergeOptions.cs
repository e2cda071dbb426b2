namespace LowRank.Models.Merging;

/// <summary>How an adapter is merged.</summary>
public sealed record MergeOptions
{
    /// <summary>Which weights the adapter is merged into. Default automatic: those that it was trained on.</summary>
    public MergeBase Base { get; init; }

    /// <summary>The largest size of a weights file, in bytes; larger models are written as several files with an index. Default 5 GB, as transformers has it.</summary>
    public long ShardBytes { get; init; } = 5_000_000_000;
}
