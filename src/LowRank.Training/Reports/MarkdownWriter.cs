using System.Text;

namespace LowRank.Training.Reports;

/// <summary>Writes a report in Markdown, as GitHub and model cards read it.</summary>
internal static class MarkdownWriter
{
    /// <summary>The text.</summary>
    public static string Write(ReportDocument document)
    {
        var text = new StringBuilder();
        text.Append($"# {Inline(document.Title)}\n\n{Inline(document.Summary)}\n");
        foreach (var section in document.Sections)
        {
            text.Append($"\n## {section.Title}\n");
            foreach (var block in section.Blocks) Write(text, block);
        }
        return text.ToString();
    }

    private static void Write(StringBuilder text, ReportBlock block)
    {
        text.Append('\n');
        switch (block)
        {
            case ReportText paragraph: text.Append(Inline(paragraph.Text)).Append('\n'); break;
            case ReportList list: text.AppendJoin("", list.Items.Select(i => $"- {Inline(i)}\n")); break;
            case ReportCode code: Fence(text, code.Language, code.Code); break;
            case ReportQuote quote:
                text.Append($"{Inline(quote.Label)}:\n\n");
                Fence(text, "text", quote.Text);
                break;
            case ReportPicture picture: text.Append($"![{Inline(picture.Description)}]({RunReport.PicturesFolder}/{picture.Name}.png)\n"); break;
            case ReportTable table:
                text.Append(Line(table.Columns)).Append(Line([.. table.Columns.Select((_, i) => table.AreFigures && i > 0 ? "---:" : "---")])).AppendJoin("", table.Rows.Select(Line));
                break;
            case ReportFold fold:
                text.Append($"### {fold.Title}\n");
                foreach (var inner in fold.Blocks) Write(text, inner);
                break;
            default: throw new ArgumentException($"No form for a {block.GetType().Name}.", nameof(block));
        }
    }

    private static string Line(IReadOnlyList<string> cells) => $"| {string.Join(" | ", cells.Select(c => Inline(c).Replace("|", "\\|", StringComparison.Ordinal)))} |\n";

    // A fence is longer than any row of backticks within it.
    private static void Fence(StringBuilder text, string language, string code)
    {
        var (longest, row) = (2, 0);
        foreach (var c in code) longest = Math.Max(longest, row = c == '`' ? row + 1 : 0);
        var fence = new string('`', longest + 1);
        text.Append($"{fence}{language}\n{Visible(code).TrimEnd('\n')}\n{fence}\n");
    }

    private static string Inline(string text) => Visible(text).ReplaceLineEndings(" ").Replace("<", "\\<", StringComparison.Ordinal);

    // A viewer may be a terminal.
    private static string Visible(string text) => string.Concat(text.Where(c => c is '\n' or '\t' || !char.IsControl(c)));
}
