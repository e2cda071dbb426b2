namespace LowRank.Training.Sweeps;

/// <summary>One run of a sweep.</summary>
internal sealed record SweepRunResult
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Parameters that it trains.</summary>
    public required long Trainable { get; init; }

    /// <summary>Its peak learning rate.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The held-out loss at the end of each round that it took part in.</summary>
    public IReadOnlyList<double> Losses { get; init; } = [];

    /// <summary>The loss of each step, before it.</summary>
    public IReadOnlyList<double> TrainLosses { get; init; } = [];

    /// <summary>The step after which it was left out; null while it goes on and for those that came to the end.</summary>
    public long? LeftOutAt { get; init; }
}
