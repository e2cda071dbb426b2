using System.Text;

namespace LowRank.Training.Reports;

/// <summary>Writes a report as one page of HTML that is well-formed XML too. A policy in its head forbids all that is not in the file.</summary>
internal static class HtmlWriter
{
    private const string Style = """
        :root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #0072b2; }
        body { font: 16px/1.55 system-ui, "Noto Sans", "Noto Sans KR", sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.7rem; margin-bottom: .3rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
        p.summary { color: GrayText; margin-top: 0; }
        div.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .6rem 0; }
        th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; } th { font-weight: 600; }
        table.figures th:not(:first-child), table.figures td:not(:first-child) { text-align: right; font-variant-numeric: tabular-nums; }
        img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; display: block; margin: .8rem 0; }
        pre { background: var(--soft); padding: .7rem .9rem; border-radius: 6px; overflow-x: auto; }
        figure { margin: .6rem 0; padding: .1rem .9rem; border-left: 3px solid var(--accent); background: var(--soft); border-radius: 0 6px 6px 0; }
        figcaption { font-size: .8rem; color: GrayText; padding-top: .4rem; } figure pre { background: none; padding: 0; margin: .2rem 0 .6rem; white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
        summary { cursor: pointer; }
        """;

    /// <summary>The page.</summary>
    public static string Write(ReportDocument document)
    {
        var html = new StringBuilder();
        html.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\" />\n")
            .Append($"<title>{Escape(document.Title)}</title>\n<style>\n{Style}\n</style>\n</head>\n<body>\n<h1>{Escape(document.Title)}</h1>\n<p class=\"summary\">{Escape(document.Summary)}</p>\n");
        foreach (var section in document.Sections)
        {
            html.Append($"<h2>{Escape(section.Title)}</h2>\n");
            foreach (var block in section.Blocks) Write(html, block);
        }
        return html.Append("</body>\n</html>\n").ToString();
    }

    private static void Write(StringBuilder html, ReportBlock block)
    {
        switch (block)
        {
            case ReportText text: html.Append($"<p>{Escape(text.Text)}</p>\n"); break;
            case ReportList list: html.Append($"<ul>\n{string.Concat(list.Items.Select(i => $"<li>{Escape(i)}</li>\n"))}</ul>\n"); break;
            case ReportCode code: html.Append($"<pre><code>{Escape(code.Code)}</code></pre>\n"); break;
            case ReportQuote quote: html.Append($"<figure><figcaption>{Escape(quote.Label)}</figcaption><pre>{Escape(quote.Text)}</pre></figure>\n"); break;
            case ReportPicture picture: html.Append($"<img alt=\"{Escape(picture.Description)}\" src=\"data:image/png;base64,{Convert.ToBase64String(picture.Png)}\" />\n"); break;
            case ReportTable table: Write(html, table); break;
            case ReportFold fold:
                html.Append($"<details><summary>{Escape(fold.Title)}</summary>\n");
                foreach (var inner in fold.Blocks) Write(html, inner);
                html.Append("</details>\n");
                break;
            default: throw new ArgumentException($"No form for a {block.GetType().Name}.", nameof(block));
        }
    }

    private static void Write(StringBuilder html, ReportTable table)
    {
        html.Append($"<div class=\"wide\"><table{(table.AreFigures ? " class=\"figures\"" : "")}>\n");
        if (table.Columns.Any(c => c.Length > 0)) html.Append($"<thead><tr>{string.Concat(table.Columns.Select(c => $"<th>{Escape(c)}</th>"))}</tr></thead>\n");
        html.Append($"<tbody>\n{string.Concat(table.Rows.Select(row => $"<tr>{string.Concat(row.Select(cell => $"<td>{Escape(cell)}</td>"))}</tr>\n"))}</tbody></table></div>\n");
    }

    // Answers of a model can hold anything: characters that XML has no place for, such as escapes of terminals and halves of pairs, become the replacement character.
    private static string Escape(string text)
    {
        var safe = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
            _ = rune.Value switch
            {
                '&' => safe.Append("&amp;"),
                '<' => safe.Append("&lt;"),
                '>' => safe.Append("&gt;"),
                '"' => safe.Append("&quot;"),
                '\n' or '\t' => safe.Append((char)rune.Value),
                '\r' => safe,
                < ' ' or >= 0x7f and < 0xa0 or 0xfffe or 0xffff => safe.Append('\ufffd'),
                _ => safe.Append(rune.ToString()),
            };
        return safe.ToString();
    }
}
