using ScottPlot;

namespace LowRank.Training.Pictures;

/// <summary>How all charts look.</summary>
internal static class PlotStyle
{
    // Okabe and Ito (2008): told apart with any colour vision. Black and yellow are left out: the one is the axes', the other is faint on white.
    private static readonly Color[] Colors = [.. ((string[])["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A4FBF", "#8C564B"]).Select(Color.FromHex)];

    // Beyond the eighth, the colours come again with another pattern.
    private static readonly LinePattern[] Patterns = [LinePattern.Solid, LinePattern.Dashed, LinePattern.Dotted];

    /// <summary>The colour of a series.</summary>
    public static Color Colour(int index) => Colors[index % Colors.Length];

    /// <summary>The line of a series.</summary>
    public static LinePattern Pattern(int index) => Patterns[index / Colors.Length % Patterns.Length];

    /// <summary>An empty plot.</summary>
    /// <param name="title">Its title.</param>
    /// <param name="across">The label of the horizontal axis.</param>
    /// <param name="up">The label of the vertical axis.</param>
    public static Plot Create(string title, string across, string up)
    {
        var plot = new Plot();
        plot.Title(title, size: 20);
        plot.XLabel(across, size: 16);
        plot.YLabel(up, size: 16);
        plot.Axes.Title.Label.Bold = plot.Axes.Bottom.Label.Bold = plot.Axes.Left.Label.Bold = false;
        plot.Axes.Title.Label.OffsetY = -6;
        plot.Axes.Title.MinimumSize = title.Length > 0 ? 48 : 16;
        foreach (var axis in (IAxis[])[plot.Axes.Bottom, plot.Axes.Left]) axis.TickLabelStyle.FontSize = 14;
        plot.Legend.FontSize = 14;
        plot.Legend.ShadowColor = ScottPlot.Colors.Transparent;
        plot.Legend.OutlineColor = ScottPlot.Colors.LightGray;
        plot.Grid.MajorLineColor = ScottPlot.Colors.Black.WithAlpha(0.08);
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        plot.Axes.Right.MinimumSize = plot.Axes.Right.MaximumSize = 24;
        return plot;
    }

    /// <summary>Draws a plot in the embedded font.</summary>
    public static byte[] ToPng(Plot plot, int width, int height)
    {
        plot.Font.Set(PictureFont.Name);
        plot.Legend.FontName = PictureFont.Name;
        using var image = plot.GetImage(width, height);
        return image.GetImageBytes(ImageFormat.Png);
    }
}
