using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Patterns;

/// <summary>The split pattern of cl100k by hand, in its two common forms: numbers of up to three digits (Llama 3) or single digits (Qwen 2 and 3).</summary>
internal sealed class Cl100kPattern(int maxDigits) : TextPattern
{
    /// <summary>The pattern with <c>\p{N}{1,3}</c>.</summary>
    public const string ThreeDigits =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The pattern with <c>\p{N}</c>.</summary>
    public const string SingleDigits =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <inheritdoc/>
    public override bool TryFind(ReadOnlySpan<byte> text, int from, out int start, out int end)
    {
        start = from;
        end = from < text.Length ? End(text, from) : from;
        return end > start;
    }

    private int End(ReadOnlySpan<byte> text, int at)
    {
        var first = CharacterClasses.At(text, at, out var length);
        var after = at + length;
        if (first == CharacterClass.Letter) return CharacterClasses.RunEnd(text, after, first);
        if (first == CharacterClass.Number)
        {
            for (var digits = 1; digits < maxDigits && after < text.Length && CharacterClasses.At(text, after, out length) == first; digits++) after += length;
            return after;
        }
        if (text[at] == '\'' && Contraction(text[after..]) is > 0 and var more) return after + more;
        var second = after < text.Length ? CharacterClasses.At(text, after, out length) : CharacterClass.Space;
        if (second == CharacterClass.Letter && text[at] is not ((byte)'\r' or (byte)'\n')) return CharacterClasses.RunEnd(text, after + length, second);
        if (first == CharacterClass.Other || text[at] == ' ' && second == CharacterClass.Other)
        {
            after = CharacterClasses.RunEnd(text, after, CharacterClass.Other);
            while (after < text.Length && text[after] is (byte)'\r' or (byte)'\n') after++;
            return after;
        }
        var run = CharacterClasses.RunEnd(text, after, CharacterClass.Space);
        var newline = text[at..run].LastIndexOfAny((byte)'\r', (byte)'\n');
        return newline >= 0 ? at + newline + 1 : SpaceRun.End(text, at, after - at);
    }

    /// <summary>The length of a contraction's letters in either case; U+017F (long s) is an s in the other case.</summary>
    private static int Contraction(ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty) return 0;
        if (rest.StartsWith("\u017F"u8)) return 2;
        switch (rest[0] | 0x20)
        {
            case 's' or 't' or 'm' or 'd': return 1;
            case 'r' or 'v': return rest.Length > 1 && (rest[1] | 0x20) == 'e' ? 2 : 0;
            case 'l': return rest.Length > 1 && (rest[1] | 0x20) == 'l' ? 2 : 0;
            default: return 0;
        }
    }
}
