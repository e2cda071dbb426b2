namespace LowRank.Cli.Terminal;

/// <summary>Breaks text between words. A word that is longer than a line, such as a path, stays whole.</summary>
internal static class TextWrap
{
    /// <summary>The lines of a text.</summary>
    /// <param name="text">The text; its own line ends are kept.</param>
    /// <param name="width">Columns of a line.</param>
    /// <param name="indent">Columns left free on the left.</param>
    /// <param name="continued">What a broken line ends with; such lines go on with two more columns of indent.</param>
    public static IEnumerable<string> Lines(string text, int width, int indent = 0, string continued = "")
    {
        var margin = new string(' ', indent);
        foreach (var paragraph in text.Split('\n'))
        {
            var line = margin;
            var (isEmpty, columns) = (true, indent);
            foreach (var word in paragraph.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (!isEmpty && columns + 1 + DisplayWidth.Of(word) + continued.Length > width)
                {
                    yield return line + continued;
                    line = continued.Length == 0 ? margin : margin + "  ";
                    columns = line.Length;
                    isEmpty = true;
                }
                line += isEmpty ? word : " " + word;
                columns += DisplayWidth.Of(word) + (isEmpty ? 0 : 1);
                isEmpty = false;
            }
            yield return isEmpty ? "" : line;
        }
    }
}
