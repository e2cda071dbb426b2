using LowRank.Models.Tokenization.Patterns;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>Builds the <c>pattern</c> of a Split or Replace: <c>{"String": …}</c> or <c>{"Regex": …}</c>.</summary>
internal static class PatternReader
{
    /// <summary>Builds it.</summary>
    public static TextPattern Read(JsonPart part)
    {
        var pattern = part.Object("pattern") ?? throw part.Missing("pattern", """an object {"String": …} or {"Regex": …}""");
        return pattern.OptionalString("String") is { } literal ? TextPatterns.FromLiteral(literal, part.Source)
            : TextPatterns.FromRegex(pattern.String("Regex"), part.Source);
    }
}
