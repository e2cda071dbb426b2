namespace LowRank.Training.Comparison;

/// <summary>A table of short texts; the first column is to the left, the others to the right.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Columns">The heads.</param>
/// <param name="Rows">The rows, each with as many texts.</param>
internal sealed record TextTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>The lines for a terminal: columns with two spaces between them. Where they would be wider than it, the first column stands on lines of its own.</summary>
    /// <param name="width">Columns of the terminal.</param>
    public IEnumerable<string> Lines(int width = int.MaxValue)
    {
        int[] widths = [.. Columns.Select((head, i) => Rows.Select(row => row[i].Length).Append(head.Length).Max())];
        var isStacked = widths.Sum() + 2 * (widths.Length - 1) > width;
        foreach (var row in (IEnumerable<IReadOnlyList<string>>)[Columns, .. Rows])
        {
            if (isStacked) yield return row[0];
            yield return (isStacked ? "  " : "") + string.Join("  ", row.Select((text, i) => i == 0 ? text.PadRight(widths[i]) : text.PadLeft(widths[i])).Skip(isStacked ? 1 : 0)).TrimEnd();
        }
    }

    /// <summary>The table in Markdown.</summary>
    public string ToMarkdown() =>
        $"**{Title}**\n\n{Line(Columns)}{Line([.. Columns.Select((_, i) => i == 0 ? "---" : "---:")])}{string.Concat(Rows.Select(Line))}";

    private static string Line(IReadOnlyList<string> texts) => $"| {string.Join(" | ", texts.Select(t => t.Replace("|", "\\|", StringComparison.Ordinal)))} |\n";
}
