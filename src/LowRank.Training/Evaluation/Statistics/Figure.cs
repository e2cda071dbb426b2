using LowRank.Training.Comparison;

namespace LowRank.Training.Evaluation.Statistics;

/// <summary>A figure over rows: their mean, or where rows weigh differently (a loss per token) the sum of their values by the sum of their weights.</summary>
/// <param name="Name">What it is called in JSON.</param>
/// <param name="Values">A value for each row.</param>
/// <param name="Weights">A weight for each row; null where all weigh one.</param>
internal sealed record Figure(string Name, double[] Values, double[]? Weights = null)
{
    /// <summary>Its interval.</summary>
    public Interval? Interval() => Weights is null ? Of(Bootstrap.Mean(Values)) : Of(Bootstrap.Ratio(Values, Weights));

    /// <summary>How it differs from that of another model on the same rows; null where the rows are not the same.</summary>
    public FigureDifference? Minus(Figure other)
    {
        if (other.Values.Length != Values.Length || (other.Weights is null) != (Weights is null) || (Weights is not null && !Weights.AsSpan().SequenceEqual(other.Weights))) return null;
        double[] differences = [.. Values.Zip(other.Values, (a, b) => a - b)];
        var found = Weights is null ? Bootstrap.Mean(differences) : Bootstrap.Ratio(differences, Weights);
        return Of(found) is { } bounds ? new FigureDifference(found.Value, bounds.Low, bounds.High) : null;
    }

    private static Interval? Of(Estimate estimate) => estimate is { Low: { } low, High: { } high } ? new Interval(low, high) : null;
}
