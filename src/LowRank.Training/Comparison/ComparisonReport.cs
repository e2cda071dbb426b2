using System.Text;
using LowRank.Formats;
using LowRank.Training.Pictures;

namespace LowRank.Training.Comparison;

/// <summary>Writes what a comparison found: <c>results.json</c>, <c>table.md</c>, and pictures of the curves and, where answers were generated, of the accuracies.</summary>
internal static class ComparisonReport
{
    /// <summary>Writes the files, each whole or not at all.</summary>
    /// <param name="folder">The comparison's folder.</param>
    /// <param name="result">What was found.</param>
    public static void Write(string folder, ComparisonResult result)
    {
        AtomicFile.WriteAllText(Path.Combine(folder, ComparisonResult.FileName), result.ToJson() + "\n");
        AtomicFile.WriteAllText(Path.Combine(folder, "table.md"), Markdown(result));
        CellResult[] drawn = [.. result.Cells.Where(c => c.Curve.Count > 0)];
        if (drawn.Length > 0) Curves(result, drawn).Save(Path.Combine(folder, "curves.png"));
        if (drawn.Any(c => c.Accuracy is not null)) Accuracies(result).Save(Path.Combine(folder, "accuracy.png"));
    }

    private static string Markdown(ComparisonResult result)
    {
        var text = new StringBuilder();
        text.Append($"# {result.Vary}\n\n{result.Model}, {result.Rows} test rows, LowRank {result.Version}.\n");
        foreach (var table in ComparisonTables.Of(result)) text.Append('\n').Append(table.ToMarkdown());
        text.Append($"\n{ComparisonTables.Legend}\n");
        foreach (var note in result.Notes) text.Append($"\n- {note.ReplaceLineEndings(" ")}");
        return text.Append('\n').ToString();
    }

    private static LineChart Curves(ComparisonResult result, CellResult[] cells) => new()
    {
        Title = cells.Any(c => c.Seeds.Count > 1) ? $"Held-out loss: mean and range of {cells.Max(c => c.Seeds.Count)} seeds" : "Held-out loss",
        XLabel = "step",
        YLabel = "loss per token",
        IsLogarithmic = cells.All(c => c.Curve.All(p => p.Low > 0)) && cells.Max(c => c.Curve.Max(p => p.High)) > 10 * cells.Min(c => c.Curve.Min(p => p.Low)),
        Curves = [.. cells.Select(c => new Curve(c.Name, [.. c.Curve.Select(p => (double)p.Step)], [.. c.Curve.Select(p => p.Mean)]) { Lower = [.. c.Curve.Select(p => p.Low)], Upper = [.. c.Curve.Select(p => p.High)] })],
    };

    private static BarChart Accuracies(ComparisonResult result)
    {
        var bars = new List<Bar>();
        if (result.Base?.Accuracy is { } accuracy) bars.Add(Bar("base", accuracy));
        foreach (var cell in result.Cells)
            if (cell.Accuracy is { } own) bars.Add(Bar(cell.Name, own));
        return new BarChart { Title = $"Right answers of {result.Rows}, with 95 % intervals", YLabel = "%", Format = "0.0", Bars = bars };
    }

    private static Bar Bar(string name, Estimate share) => new(name, 100 * share.Value, 100 * share.Low, 100 * share.High);
}
