namespace LowRank.Cli.Terminal;

/// <summary>Text from files and models for a terminal.</summary>
internal static class Printable
{
    /// <summary>
    /// The text with control characters but newline and tab shown as their symbols (U+2400 and up): what a data set or a model says must not be able to
    /// move the cursor or change the terminal.
    /// </summary>
    public static string Of(string text)
    {
        if (!text.AsSpan().ContainsAny(Controls)) return text;
        return string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < source.Length; i++)
                span[i] = source[i] switch
                {
                    '\n' or '\t' => source[i],
                    < ' ' => (char)(0x2400 + source[i]),
                    '\x7f' => '\u2421',
                    >= '\x80' and < '\xa0' => '\ufffd',
                    _ => source[i],
                };
        });
    }

    private static readonly System.Buffers.SearchValues<char> Controls = System.Buffers.SearchValues.Create(
        [.. Enumerable.Range(0, 0xa0).Select(c => (char)c).Where(c => char.IsControl(c) && c is not ('\n' or '\t'))]);
}
