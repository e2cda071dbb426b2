namespace LowRank.Training.Pictures;

/// <summary>A curve of a <see cref="LineChart"/>. Points that are not finite are gaps.</summary>
/// <param name="Name">What the legend calls it.</param>
/// <param name="Xs">Positions, ascending.</param>
/// <param name="Ys">Values, as many.</param>
public sealed record Curve(string Name, IReadOnlyList<double> Xs, IReadOnlyList<double> Ys)
{
    /// <summary>The lower edge of a band around the curve, as many values, or null for no band.</summary>
    public IReadOnlyList<double>? Lower { get; init; }

    /// <summary>The upper edge of the band.</summary>
    public IReadOnlyList<double>? Upper { get; init; }
}
