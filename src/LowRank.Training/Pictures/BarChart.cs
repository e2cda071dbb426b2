using System.Globalization;
using ScottPlot;

namespace LowRank.Training.Pictures;

/// <summary>Bars beside each other, each with its value and, where it has one, its error bar.</summary>
public sealed record BarChart : Picture
{
    /// <summary>The label of the vertical axis.</summary>
    public string YLabel { get; init; } = "";

    /// <summary>How values are written above the bars, as a .NET format.</summary>
    public string Format { get; init; } = "0.###";

    /// <summary>The bars, from left to right.</summary>
    public required IReadOnlyList<Bar> Bars { get; init; }

    /// <inheritdoc/>
    private protected override byte[] Draw(int width, int height)
    {
        using var plot = PlotStyle.Create(Title, "", YLabel);
        for (var i = 0; i < Bars.Count; i++)
        {
            var bar = Bars[i];
            var drawn = plot.Add.Bar(i, bar.Value).Bars[0];
            (drawn.FillColor, drawn.LineWidth, drawn.Size) = (PlotStyle.Colour(i), 0, 0.6);
            if (bar is { Low: { } low, High: { } high }) Whisker(plot, i, low, high);
            var text = plot.Add.Text(bar.Value.ToString(Format, CultureInfo.InvariantCulture), i, Math.Max(bar.Value, bar.High ?? bar.Value));
            (text.LabelFontSize, text.LabelAlignment, text.OffsetY) = (14, Alignment.LowerCenter, -4);
        }
        plot.Axes.Bottom.SetTicks([.. Enumerable.Range(0, Bars.Count).Select(i => (double)i)], [.. Bars.Select(b => b.Name)]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        plot.Grid.XAxisStyle.IsVisible = false;
        plot.HideLegend();
        // Room for the numbers above, and none below: bars stand on zero.
        plot.Axes.Margins(left: 0.06, right: 0.06, bottom: Bars.Any(b => Math.Min(b.Value, b.Low ?? 0) < 0) ? 0.1 : 0, top: 0.15);
        return PlotStyle.ToPng(plot, width, height);
    }

    private static void Whisker(Plot plot, double x, double low, double high)
    {
        foreach (var (x1, y1, x2, y2) in ((double, double, double, double)[])[(x, low, x, high), (x - 0.08, low, x + 0.08, low), (x - 0.08, high, x + 0.08, high)])
        {
            var line = plot.Add.Line(x1, y1, x2, y2);
            (line.LineWidth, line.LineColor) = (2, Colors.Black.WithAlpha(0.7));
        }
    }
}
