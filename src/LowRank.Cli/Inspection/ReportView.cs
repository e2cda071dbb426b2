using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Data.Reports;

namespace LowRank.Cli.Inspection;

/// <summary>Prints what was found in a data set.</summary>
internal static class ReportView
{
    private const int WidestBar = 40;

    /// <summary>Prints lengths and findings.</summary>
    public static void Show(Screen screen, DataReport report)
    {
        Histogram(screen, report.Lengths);
        var fields = new List<(string, string)> { ("duplicates", Text(report.Duplicates, "row says", "rows say", "what an earlier one says")), ("empty answers", Text(report.EmptyAnswers, "row", "rows", "")) };
        if (report.TooLong is { } tooLong) fields.Add(("too long", Text(tooLong, "row is", "rows are", "longer than what is kept")));
        if (report.LabelShare is { } labels) fields.Add(("labels", $"{Quantity.Percent(labels)} of the tokens are learned"));
        if (report.GoodShare is { } good) fields.Add(("good answers", Quantity.Percent(good)));
        if (report.SkippedRows > 0) fields.Add(("left out", string.Create(CultureInfo.InvariantCulture, $"{report.SkippedRows} wrong {(report.SkippedRows == 1 ? "row" : "rows")}")));
        if (report.Leakage is { } leakage)
        {
            fields.Add(("held out", $"{Quantity.Count(leakage.Rows)} rows of {leakage.File}"));
            fields.Add(("leakage", Text(leakage.Same, "of them is", "of them are", "among the training rows")));
            fields.Add(("same prompts", Text(leakage.SamePrompt, "of them asks", "of them ask", "what a training row asks, with another answer")));
        }
        screen.Out.WriteLine();
        screen.Fields([.. fields.Select(f => (f.Item1, Printable.Of(f.Item2)))]);
    }

    private static void Histogram(Screen screen, LengthHistogram lengths)
    {
        if (lengths.Bins.Count == 0) return;
        screen.Out.WriteLine($"\nrows by length in {lengths.Unit}:");
        var most = lengths.Bins.Max(b => b.Rows);
        var names = lengths.Bins.Select(b => string.Create(CultureInfo.InvariantCulture, $"{b.From} to {b.To}")).ToArray();
        var (name, count) = (names.Max(n => n.Length), Quantity.Count(most).Length);
        // Two spaces before, and two beside the bar; a narrow terminal gets short bars.
        var widest = Math.Clamp((screen.Columns ?? 80) - name - count - 6, 4, WidestBar);
        foreach (var (label, bin) in names.Zip(lengths.Bins))
        {
            // What is there is seen, however little it is.
            var bar = bin.Rows == 0 ? 0 : Math.Max(1, (int)Math.Round((double)widest * bin.Rows / most));
            screen.Out.WriteLine($"  {label.PadLeft(name)}  {Quantity.Count(bin.Rows).PadLeft(count)}  {new string('█', bar)}".TrimEnd());
        }
    }

    private static string Text(FoundRows found, string one, string many, string what) => found.Count == 0 ? "none"
        : $"{Quantity.Count(found.Count)} {(found.Count == 1 ? one : many)} {what}".TrimEnd() + $": {string.Join("; ", found.Examples)}{(found.Count > found.Examples.Count ? "; …" : "")}";
}
