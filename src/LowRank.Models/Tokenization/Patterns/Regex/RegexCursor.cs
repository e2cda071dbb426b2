using System.Text;

namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>Where the parser stands in the expression, and its errors.</summary>
internal sealed class RegexCursor(string pattern, string source)
{
    /// <summary>The whole expression.</summary>
    public string Pattern => pattern;

    /// <summary>UTF-16 place of the next code point.</summary>
    public int Position { get; set; }

    /// <summary>Whether everything has been read.</summary>
    public bool AtEnd => Position >= pattern.Length;

    /// <summary>The next code point.</summary>
    public int Peek => AtEnd ? throw Invalid("an unfinished end") : Rune.GetRuneAt(pattern, Position).Value;

    /// <summary>Takes the next code point.</summary>
    public int Take()
    {
        var c = Peek;
        Position += c > 0xFFFF ? 2 : 1;
        return c;
    }

    /// <summary>Whether the text comes next.</summary>
    public bool LooksAt(string text) => string.CompareOrdinal(pattern, Position, text, 0, text.Length) == 0;

    /// <summary>Takes the text if it comes next.</summary>
    public bool TryTake(string text)
    {
        if (!LooksAt(text)) return false;
        Position += text.Length;
        return true;
    }

    /// <summary>Takes the character if it comes next.</summary>
    public bool TryTake(char c)
    {
        if (AtEnd || pattern[Position] != c) return false;
        Position++;
        return true;
    }

    /// <summary>Takes the character, which has to come next.</summary>
    public void Expect(char c)
    {
        if (!TryTake(c)) throw Invalid($"'{c}' missing");
    }

    /// <summary>The error of an expression that is wrong.</summary>
    public TokenizerFormatException Invalid(string what) => new($"{source}: the regular expression {pattern} has {what} at character {Position}.");

    /// <summary>The error of an expression that asks for more than this engine does.</summary>
    public UnsupportedTokenizerFeatureException Unsupported(string what) => new($"{what} at character {Position} of the regular expression {pattern}", source);
}
