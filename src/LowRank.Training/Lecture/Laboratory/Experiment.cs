namespace LowRank.Training.Lecture.Laboratory;

/// <summary>What a run of the laboratory gave.</summary>
internal sealed record Experiment
{
    /// <summary>Parameters that were trained.</summary>
    public required long Trainable { get; init; }

    /// <summary>The loss of each step, before it.</summary>
    public required IReadOnlyList<double> Losses { get; init; }

    /// <summary>The loss on held-out rows, after the last step.</summary>
    public required double HeldOutLoss { get; init; }

    /// <summary>The loss on the rows that were learned, after the last step, without dropout.</summary>
    public required double LearnedLoss { get; init; }

    /// <summary>Tokens a second of the median step.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>The guards that spoke, by their names.</summary>
    public required IReadOnlySet<string> Guards { get; init; }

    /// <summary>Bytes of adapter, gradients and the optimizer's two moments, all fp32.</summary>
    public long TrainedBytes => Trainable * 4 * sizeof(float);

    /// <summary>How much higher the loss is on held-out rows than on learned ones.</summary>
    public double Gap => HeldOutLoss - LearnedLoss;

    /// <summary>1 where a guard spoke, 0 where it did not.</summary>
    public int Spoke(string guard) => Guards.Contains(guard) ? 1 : 0;

    /// <summary>How far five steps together stand at most above the best five before them: 0 where the loss only falls.</summary>
    public double LargestRise()
    {
        var (best, rise) = (double.PositiveInfinity, 0.0);
        for (var end = 5; end <= Losses.Count; end++)
        {
            var mean = Losses.Skip(end - 5).Take(5).Average();
            rise = Math.Max(rise, mean - best);
            best = Math.Min(best, mean);
        }
        return Math.Max(0, rise);
    }

    /// <summary>The mean loss of the steps from one share of the run to another.</summary>
    public double MeanLoss(double from, double to)
    {
        var (first, last) = ((int)(from * Losses.Count), Math.Max((int)(from * Losses.Count) + 1, (int)(to * Losses.Count)));
        return Losses.Skip(first).Take(last - first).Average();
    }
}
