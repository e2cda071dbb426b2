using System.Text;

namespace LowRank.Cli.Terminal;

/// <summary>
/// A table of short texts for a terminal, two spaces between its columns: words to the left first, figures to the right behind them. Where it is a little too wide, the first column loses
/// the beginnings of its texts; where it is much too wide, the words stand on lines of their own.
/// </summary>
/// <param name="heads">The heads.</param>
/// <param name="words">How many columns, from the first, are words.</param>
internal sealed class TextColumns(IReadOnlyList<string> heads, int words)
{
    private const int NarrowestFirst = 12;
    private readonly List<IReadOnlyList<string>> rows = [];

    /// <summary>Adds a row of as many texts as there are heads.</summary>
    public void Add(params IReadOnlyList<string> cells) => rows.Add([.. cells.Select(c => Printable.Of(c).ReplaceLineEndings(" "))]);

    /// <summary>Columns of the terminal that the whole table takes.</summary>
    public int Width => Widths().Sum() + 2 * (heads.Count - 1);

    /// <summary>The lines.</summary>
    /// <param name="width">Columns of the terminal; null where nothing limits a line.</param>
    public IEnumerable<string> Lines(int? width)
    {
        var widths = Widths();
        var excess = Width - (width ?? int.MaxValue);
        var isStacked = excess > 0 && widths[0] - excess < NarrowestFirst;
        if (excess > 0 && !isStacked) widths[0] -= excess;
        foreach (var row in rows.Prepend(heads))
        {
            if (!isStacked)
            {
                yield return Joined(row, widths, 0);
                continue;
            }
            yield return Cut(string.Join("  ", row.Take(words)), width!.Value);
            yield return "  " + Joined(row, widths, words);
        }
    }

    private int[] Widths() => [.. heads.Select((head, i) => rows.Select(r => DisplayWidth.Of(r[i])).Append(DisplayWidth.Of(head)).Max())];

    private string Joined(IReadOnlyList<string> row, int[] widths, int first)
    {
        var cells = Enumerable.Range(first, row.Count - first).Select(i =>
        {
            var text = Cut(row[i], widths[i]);
            return i < words ? DisplayWidth.Pad(text, widths[i]) : new string(' ', widths[i] - DisplayWidth.Of(text)) + text;
        });
        return string.Join("  ", cells).TrimEnd();
    }

    // The end of a path says more than its beginning.
    private static string Cut(string text, int width)
    {
        if (DisplayWidth.Of(text) <= width) return text;
        var (kept, used) = (new StringBuilder(), 1);
        foreach (var rune in text.EnumerateRunes().Reverse())
        {
            used += DisplayWidth.Of(rune.ToString());
            if (used > width) break;
            kept.Insert(0, rune.ToString());
        }
        return "…" + kept;
    }
}
