namespace LowRank.Training.Data;

/// <summary>How rows become examples.</summary>
public sealed record ExampleOptions
{
    /// <summary>What the loss counts in a conversation. Default <see cref="Data.TrainOn.Assistant"/>; other rows are not concerned.</summary>
    public TrainOn TrainOn { get; init; } = TrainOn.Assistant;

    /// <summary>The most tokens an example may have; what is beyond is cut off on the right, and reported. Default 2048.</summary>
    public int MaxLength { get; init; } = 2048;
}
