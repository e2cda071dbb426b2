namespace LowRank.Models.Tokenization.Patterns;

/// <summary>Chooses the scanner of a pattern.</summary>
internal static class TextPatterns
{
    /// <summary>A scanner written for this very regular expression, or the general engine.</summary>
    /// <param name="regex">The expression in Oniguruma's syntax, which Hugging Face tokenizers uses.</param>
    /// <param name="source">The file it comes from, for errors.</param>
    public static TextPattern FromRegex(string regex, string source) => regex switch
    {
        Gpt2Pattern.Source => new Gpt2Pattern(),
        Cl100kPattern.ThreeDigits => new Cl100kPattern(3),
        Cl100kPattern.SingleDigits => new Cl100kPattern(1),
        _ => new Regex.RegexPattern(regex, source),
    };

    /// <summary>A pattern that matches a fixed string.</summary>
    public static TextPattern FromLiteral(string literal, string source) =>
        literal.Length > 0 ? new LiteralPattern(literal) : new Regex.RegexPattern("", source);
}
