using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace LowRank.Training.Pictures;

/// <summary>Several curves over one axis, with a legend.</summary>
public sealed record LineChart : Picture
{
    /// <summary>The label of the horizontal axis.</summary>
    public string XLabel { get; init; } = "";

    /// <summary>The label of the vertical axis.</summary>
    public string YLabel { get; init; } = "";

    /// <summary>Whether the vertical axis is logarithmic. Values that are not positive are gaps then.</summary>
    public bool IsLogarithmic { get; init; }

    /// <summary>The curves, in the legend's order.</summary>
    public required IReadOnlyList<Curve> Curves { get; init; }

    /// <inheritdoc/>
    private protected override byte[] Draw(int width, int height)
    {
        using var plot = PlotStyle.Create(Title, XLabel, YLabel);
        for (var i = 0; i < Curves.Count; i++)
        {
            var (curve, colour) = (Curves[i], PlotStyle.Colour(i));
            if (curve.Xs.Count != curve.Ys.Count) throw new ArgumentException($"The curve {curve.Name} has {curve.Xs.Count} positions and {curve.Ys.Count} values.");
            Coordinates[] points = [.. Points(curve.Xs, curve.Ys)];
            if (curve is { Lower: { } lower, Upper: { } upper } && points.Length > 1) Band(plot, curve.Xs, lower, upper, colour);
            var line = plot.Add.ScatterLine(points, colour);
            line.LineWidth = 2.5f;
            line.LinePattern = PlotStyle.Pattern(i);
            line.LegendText = curve.Name;
            // A line through many points needs no marks, and one point alone is nothing without.
            line.MarkerSize = points.Length <= 40 ? 6 : 0;
        }
        plot.Axes.Margins(left: 0.02, right: 0.02, bottom: 0.08, top: 0.08);
        if (IsLogarithmic) plot.Axes.Left.TickGenerator = Powers();
        if (Curves.Count > 1) plot.ShowLegend(Falls() ? Alignment.UpperRight : Alignment.LowerRight);
        else plot.HideLegend();
        return PlotStyle.ToPng(plot, width, height);
    }

    private void Band(Plot plot, IReadOnlyList<double> xs, IReadOnlyList<double> lower, IReadOnlyList<double> upper, Color colour)
    {
        Coordinates[] below = [.. Points(xs, lower)], above = [.. Points(xs, upper)];
        if (below.Length < 2 || above.Length < 2) return;
        var band = plot.Add.Polygon([.. below, .. above.Reverse()]);
        (band.FillColor, band.LineWidth) = (colour.WithAlpha(0.18), 0);
    }

    private IEnumerable<Coordinates> Points(IReadOnlyList<double> xs, IReadOnlyList<double> ys)
    {
        for (var i = 0; i < xs.Count; i++)
            if (double.IsFinite(ys[i]) && (!IsLogarithmic || ys[i] > 0)) yield return new Coordinates(xs[i], IsLogarithmic ? Math.Log10(ys[i]) : ys[i]);
    }

    // 1, 2 and 5 of each power of ten: a course of losses seldom spans one whole power.
    private NumericManual Powers()
    {
        double[] seen = [.. Curves.SelectMany(c => c.Ys.Concat(c.Lower ?? []).Concat(c.Upper ?? [])).Where(y => double.IsFinite(y) && y > 0)];
        if (seen.Length == 0) return new NumericManual();
        double[] values = [.. from power in Enumerable.Range((int)Math.Floor(Math.Log10(seen.Min())) - 1, 40)
                              from digit in (double[])[1, 2, 5]
                              let value = digit * Math.Pow(10, power)
                              where value <= 10 * seen.Max()
                              select value];
        return new NumericManual([.. values.Select(Math.Log10)], [.. values.Select(v => v.ToString("0.############", CultureInfo.InvariantCulture))]);
    }

    // The legend goes where the curves are not, at their right end.
    private bool Falls() => Curves.Sum(c => c.Ys.Count == 0 ? 0 : Math.Sign(c.Ys[^1] - c.Ys[0])) <= 0;
}
