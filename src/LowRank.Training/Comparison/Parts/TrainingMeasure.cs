namespace LowRank.Training.Comparison.Parts;

/// <summary>What a training run showed.</summary>
internal sealed record TrainingMeasure
{
    /// <summary>Steps taken.</summary>
    public required long Steps { get; init; }

    /// <summary>Parameters trained.</summary>
    public required long TrainableParameters { get; init; }

    /// <summary>All parameters, the adapter's included.</summary>
    public required long AllParameters { get; init; }

    /// <summary>Bits of a weight of the base's linear layers as it is held: 4, 16 or 32.</summary>
    public required int Bits { get; init; }

    /// <summary>The expected peak of resident memory, in bytes.</summary>
    public required long PlannedPeakBytes { get; init; }

    /// <summary>The measured one, of the process at the end of training.</summary>
    public required long MeasuredPeakBytes { get; init; }

    /// <summary>Tokens a second, without the first step.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Seconds of the training.</summary>
    public required double Seconds { get; init; }

    /// <summary>The training loss of the last epoch.</summary>
    public required double TrainLoss { get; init; }

    /// <summary>The held-out loss at the end.</summary>
    public required double ValidationLoss { get; init; }

    /// <summary>The course of the held-out loss.</summary>
    public required IReadOnlyList<CurvePoint> Curve { get; init; }

    /// <summary>Bytes of the adapter's files, or of the checkpoint's.</summary>
    public required long SizeOnDisk { get; init; }

    /// <summary>What was odd about it.</summary>
    public required IReadOnlyList<PartWarning> Warnings { get; init; }

    /// <summary>Fingerprint of the base weights.</summary>
    public required string BaseWeights { get; init; }
}
