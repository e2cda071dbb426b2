namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>
/// A regular expression over code points. .NET's own engine works on UTF-16 units and so does not see letters beyond U+FFFF,
/// which tokenizers' patterns ask for.
/// </summary>
internal sealed class RegexPattern(string pattern, string source) : TextPattern
{
    private readonly RegexProgram _program = RegexProgram.Compile(pattern, source);
    private RegexMatcher? _spare;

    /// <inheritdoc/>
    public override bool TryFind(ReadOnlySpan<byte> text, int from, out int start, out int end)
    {
        var matcher = Interlocked.Exchange(ref _spare, null) ?? new RegexMatcher(_program, pattern, source);
        try
        {
            return matcher.TryFind(text, from, out start, out end);
        }
        finally
        {
            Volatile.Write(ref _spare, matcher);
        }
    }
}
