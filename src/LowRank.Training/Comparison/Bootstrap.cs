using LowRank.RandomNumbers;

namespace LowRank.Training.Comparison;

/// <summary>
/// Percentile intervals of 95 % by the bootstrap (Efron, 1979): the rows are drawn anew, with replacement, and the figure computed from each draw. A row brings the answers
/// of all seeds along, since these are not independent of each other; two models are compared on the same draws. The interval says how far the figure may be off because
/// there are only so many rows. It does not hold how seeds differ; the standard deviation of losses beside it does.
/// </summary>
internal static class Bootstrap
{
    /// <summary>Draws: enough for a percentile that moves by less than a tenth of the interval.</summary>
    public const int Draws = 10_000;

    /// <summary>The mean over rows.</summary>
    /// <param name="rows">A value for each row.</param>
    /// <param name="seed">Decides the draws.</param>
    public static Estimate Mean(IReadOnlyList<double> rows, long seed = 0) => Figure([rows], means => means[0], seed);

    /// <summary>The sum of values by the sum of weights, over the same rows: a loss per token.</summary>
    /// <param name="values">A value for each row.</param>
    /// <param name="weights">A weight for each row.</param>
    /// <param name="seed">Decides the draws.</param>
    public static Estimate Ratio(IReadOnlyList<double> values, IReadOnlyList<double> weights, long seed = 0) => Figure([values, weights], means => means[1] > 0 ? means[0] / means[1] : double.NaN, seed);

    /// <summary>(a - base) / (reference - base), of means over the same rows: the share of the reference's gain that a keeps; NaN where the reference gains nothing.</summary>
    /// <param name="rows">Values of a for each row.</param>
    /// <param name="baseline">Those of the base.</param>
    /// <param name="reference">Those of the reference.</param>
    /// <param name="seed">Decides the draws.</param>
    public static Estimate GainKept(IReadOnlyList<double> rows, IReadOnlyList<double> baseline, IReadOnlyList<double> reference, long seed = 0) =>
        Figure([rows, baseline, reference], m => m[2] > m[1] ? (m[0] - m[1]) / (m[2] - m[1]) : double.NaN, seed);

    private static Estimate Figure(IReadOnlyList<double>[] columns, Func<double[], double> figure, long seed)
    {
        var rows = columns[0].Count;
        if (rows == 0 || columns.Any(c => c.Count != rows)) throw new ArgumentException($"{string.Join(", ", columns.Select(c => c.Count))} rows: expected the same number, at least one.");
        var value = figure([.. columns.Select(c => c.Average())]);
        if (!double.IsFinite(value)) return new Estimate(value);
        var random = new Xoshiro256(seed, 0);
        var means = new double[columns.Length];
        var drawn = new double[Draws];
        for (var draw = 0; draw < Draws; draw++)
        {
            Array.Clear(means);
            for (var i = 0; i < rows; i++)
            {
                var row = random.Below(rows);
                for (var c = 0; c < means.Length; c++) means[c] += columns[c][row];
            }
            for (var c = 0; c < means.Length; c++) means[c] /= rows;
            drawn[draw] = figure(means);
        }
        // A draw without any gain of the reference has no share: it is no evidence for either side.
        var found = Array.FindAll(drawn, double.IsFinite);
        Array.Sort(found);
        return found.Length < Draws / 2 ? new Estimate(value) : new Estimate(value, At(found, 0.025), At(found, 0.975));
    }

    // Linear between order statistics, as numpy's default.
    private static double At(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var below = (int)place;
        return below + 1 < sorted.Length ? sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
    }
}
