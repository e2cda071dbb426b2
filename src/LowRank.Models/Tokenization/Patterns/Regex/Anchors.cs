using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>Decides assertions about a place, as Oniguruma's Ruby syntax does: ^ and $ are those of lines.</summary>
internal static class Anchors
{
    /// <summary>Whether the assertion holds at byte <paramref name="at"/>.</summary>
    public static bool Holds(AnchorKind kind, ReadOnlySpan<byte> text, int at) => kind switch
    {
        AnchorKind.TextStart => at == 0,
        AnchorKind.TextEnd => at == text.Length,
        AnchorKind.TextEndOrFinalNewline => at == text.Length || at == text.Length - 1 && text[at] == '\n',
        AnchorKind.LineStart => at == 0 || text[at - 1] == '\n' && at < text.Length,
        AnchorKind.LineEnd => at == text.Length || text[at] == '\n',
        AnchorKind.WordBoundary => AtBoundary(text, at),
        _ => !AtBoundary(text, at),
    };

    private static bool AtBoundary(ReadOnlySpan<byte> text, int at)
    {
        var before = at > 0 && CodePoint.IsWord(Utf8.Last(text[..at]));
        var after = at < text.Length && CodePoint.IsWord(Utf8.At(text, at, out _));
        return before != after;
    }
}
