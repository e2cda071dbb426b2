using System.Globalization;
using ScottPlot;

namespace LowRank.Training.Pictures;

/// <summary>A table of numbers as coloured cells, such as a rank for each layer and module, with the numbers in the cells where they fit.</summary>
public sealed record MatrixChart : Picture
{
    private const int NarrowestCell = 34, LowestCell = 18;

    /// <summary>The label of the horizontal axis.</summary>
    public string XLabel { get; init; } = "";

    /// <summary>The label of the vertical axis.</summary>
    public string YLabel { get; init; } = "";

    /// <summary>The names of the rows, from the top.</summary>
    public required IReadOnlyList<string> Rows { get; init; }

    /// <summary>The names of the columns, from the left.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>Values <c>[rows, columns]</c>. What is not a number stays white.</summary>
    public required double[,] Values { get; init; }

    /// <summary>How values are written, as a .NET format.</summary>
    public string Format { get; init; } = "0.##";

    /// <inheritdoc/>
    private protected override byte[] Draw(int width, int height)
    {
        if (Values.GetLength(0) != Rows.Count || Values.GetLength(1) != Columns.Count)
            throw new ArgumentException($"{Values.GetLength(0)} x {Values.GetLength(1)} values do not fit {Rows.Count} rows and {Columns.Count} columns.");
        using var plot = PlotStyle.Create(Title, XLabel, YLabel);
        plot.HideGrid();
        var map = plot.Add.Heatmap(Values);
        map.Colormap = new ScottPlot.Colormaps.Viridis();
        map.NaNCellColor = Colors.White;
        var bar = plot.Add.ColorBar(map);
        bar.LabelStyle.FontName = bar.Axis.TickLabelStyle.FontName = PictureFont.Name;
        bar.Axis.TickLabelStyle.FontSize = 14;
        plot.Axes.Bottom.SetTicks([.. Numbers(Columns.Count)], [.. Columns]);
        // The first row is at the top: ScottPlot counts positions from below.
        plot.Axes.Left.SetTicks([.. Numbers(Rows.Count).Select(i => Rows.Count - 1 - i)], [.. Rows]);
        if (width / Math.Max(1, Columns.Count) >= NarrowestCell && height / Math.Max(1, Rows.Count) >= LowestCell) Write(plot);
        plot.Axes.Margins(0, 0);
        return PlotStyle.ToPng(plot, width, height);
    }

    private void Write(Plot plot)
    {
        var finite = Values.Cast<double>().Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        var middle = (finite.Min() + finite.Max()) / 2;
        for (var row = 0; row < Rows.Count; row++)
        {
            for (var column = 0; column < Columns.Count; column++)
            {
                if (!double.IsFinite(Values[row, column])) continue;
                var text = plot.Add.Text(Values[row, column].ToString(Format, CultureInfo.InvariantCulture), column, Rows.Count - 1 - row);
                (text.LabelFontName, text.LabelFontSize, text.LabelAlignment) = (PictureFont.Name, 13, Alignment.MiddleCenter);
                // Viridis is dark at its low end.
                text.LabelFontColor = Values[row, column] <= middle ? Colors.White : Colors.Black;
            }
        }
    }

    private static IEnumerable<double> Numbers(int count) => Enumerable.Range(0, count).Select(i => (double)i);
}
