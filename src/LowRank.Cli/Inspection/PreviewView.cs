using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Data;

namespace LowRank.Cli.Inspection;

/// <summary>Prints a data set as a model sees it.</summary>
internal static class PreviewView
{
    /// <summary>Prints rows, numbers and problems.</summary>
    public static void Show(Screen screen, DatasetPreview preview)
    {
        var numbers = preview.Statistics;
        screen.Fields(
        [
            ("file", preview.File),
            ("format", preview.Format.ToString()),
            ("rows", Quantity.Count(numbers.Rows)),
            ("tokens", $"{Quantity.Count(numbers.Tokens)}, {Quantity.Count(numbers.SupervisedTokens)} of them learned ({Quantity.Percent(numbers.SupervisedShare)})"),
            ("row length", string.Create(CultureInfo.InvariantCulture, $"{numbers.MinLength} to {numbers.MaxLength} tokens, half up to {numbers.MedianLength}, 95 % up to {numbers.Percentile95Length}")),
            ("truncation", numbers.TruncatedRows == 0 ? "none" : string.Create(CultureInfo.InvariantCulture,
                $"{numbers.TruncatedRows} rows are cut and lose {numbers.LostSupervisedTokens} tokens to learn; {numbers.DroppedRows} of them are left out, because nothing to learn remains")),
        ]);
        if (preview.Rows.Count > 0) screen.Out.WriteLine($"\n{MarkedText.Legend(screen)}:");
        foreach (var row in preview.Rows)
        {
            var lost = row.LostTokens > 0 ? string.Create(CultureInfo.InvariantCulture, $", {row.LostTokens} cut off") : "";
            screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n{row.Place}: {row.Tokens} tokens, {row.SupervisedTokens} learned{lost}"));
            MarkedText.Write(screen, row.Runs.Select(r => (r.Text, r.Supervised)));
        }
        ProblemsView.Show(screen, preview.Problems);
    }
}
