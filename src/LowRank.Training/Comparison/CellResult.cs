namespace LowRank.Training.Comparison;

/// <summary>What a cell showed. Figures are means over its seeds, at its chosen learning rate; null where no run got so far.</summary>
internal sealed record CellResult
{
    /// <summary>What it is called.</summary>
    public required string Name { get; init; }

    /// <summary>The settings that vary, with the cell's values as they were written.</summary>
    public required IReadOnlyDictionary<string, string> Values { get; init; }

    /// <summary>The learning rate: of those tried, the one with the lowest held-out loss on the first seed.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Whether that is the least or the greatest of several: a better one may lie beyond.</summary>
    public bool IsRateAtEdge { get; init; }

    /// <summary>The learning rates tried.</summary>
    public IReadOnlyList<RateTrial> Rates { get; init; } = [];

    /// <summary>The seeds that were run to their end.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [];

    /// <summary>Bits of a weight of the base as it is held in training.</summary>
    public int? Bits { get; init; }

    /// <summary>Parameters trained.</summary>
    public long? TrainableParameters { get; init; }

    /// <summary>All parameters.</summary>
    public long? AllParameters { get; init; }

    /// <summary>The expected peak of resident memory in training, in bytes.</summary>
    public long? PlannedPeakBytes { get; init; }

    /// <summary>The measured one, the greatest of the seeds.</summary>
    public long? MeasuredPeakBytes { get; init; }

    /// <summary>Tokens a second in training.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Tokens a second of one answer, with the adapter beside the base.</summary>
    public double? DecodeTokensPerSecond { get; init; }

    /// <summary>Seconds of a training.</summary>
    public double? TrainSeconds { get; init; }

    /// <summary>Loss on the test rows.</summary>
    public double? Loss { get; init; }

    /// <summary>Its standard deviation over the seeds; null with one seed.</summary>
    public double? LossDeviation { get; init; }

    /// <summary>The share of right answers on the test rows, from 0 to 1, with the interval of <see cref="Bootstrap"/>.</summary>
    public Estimate? Accuracy { get; init; }

    /// <summary>The share of full fine-tuning's gain that is kept, of accuracy where answers were generated, else of loss; null where full is not a cell or gains nothing.</summary>
    public Estimate? GainKept { get; init; }

    /// <summary>Loss on the general text less that of the base.</summary>
    public double? Forgetting { get; init; }

    /// <summary>Bytes of the adapter's files, or of the checkpoint's.</summary>
    public long? SizeOnDisk { get; init; }

    /// <summary>Where the planned peak fits, at 80 % use.</summary>
    public IReadOnlyList<string> Fits { get; init; } = [];

    /// <summary>The course of the held-out loss.</summary>
    public IReadOnlyList<BandPoint> Curve { get; init; } = [];

    /// <summary>What was odd about its runs, each thing once.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>What went wrong, each with its run.</summary>
    public IReadOnlyList<string> Failures { get; init; } = [];
}
