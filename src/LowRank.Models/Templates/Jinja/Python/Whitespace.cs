namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>What Python's <c>str.isspace</c> and <c>str.splitlines</c> mean. .NET agrees but for four control characters.</summary>
internal static class Whitespace
{
    public static bool Is(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    public static bool IsLineEnd(char c) => c is '\n' or '\r' or '\v' or '\f' or >= '\x1c' and <= '\x1e' or '\x85' or '\u2028' or '\u2029';

    /// <summary>The bounds that are left of a text when white space, or the given characters, are stripped from its ends.</summary>
    public static (int Start, int Length) Strip(string text, string? characters, bool left, bool right)
    {
        var (start, end) = (0, text.Length);
        if (characters is not null && Values.Texts.HasSurrogates(characters)) return StripRunes(text, characters, left, right);
        while (left && start < end && Matches(text[start], characters)) start++;
        while (right && end > start && Matches(text[end - 1], characters)) end--;
        return (start, end - start);
    }

    private static bool Matches(char c, string? characters) => characters is null ? Is(c) : characters.Contains(c);

    private static (int Start, int Length) StripRunes(string text, string characters, bool left, bool right)
    {
        var set = characters.EnumerateRunes().ToHashSet();
        var (start, end) = (0, text.Length);
        while (left && start < end && System.Text.Rune.DecodeFromUtf16(text.AsSpan(start, end - start), out var rune, out var used) == 0 && set.Contains(rune)) start += used;
        while (right && end > start && System.Text.Rune.DecodeLastFromUtf16(text.AsSpan(start, end - start), out var rune, out var used) == 0 && set.Contains(rune)) end -= used;
        return (start, end - start);
    }
}
