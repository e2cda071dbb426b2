using System.Text;
using LowRank.Models.Tokenization.Bpe;
using LowRank.Models.Tokenization.Patterns;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Normalization;

/// <summary>Puts a string before every text that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : Normalizer
{
    private readonly byte[] _prefix = Encoding.UTF8.GetBytes(prefix);

    /// <inheritdoc/>
    public override void Apply(NormalizedText text) => text.Prepend(_prefix);

    /// <inheritdoc/>
    public override bool LeavesAlone(ReadOnlySpan<byte> text) => _prefix.Length == 0;
}

/// <summary>Replaces every match of a pattern.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, string content) : Normalizer
{
    private readonly byte[] _content = Encoding.UTF8.GetBytes(content);

    /// <inheritdoc/>
    public override void Apply(NormalizedText text) => text.Replace(pattern, _content);

    /// <inheritdoc/>
    public override bool LeavesAlone(ReadOnlySpan<byte> text) => text.IsEmpty || !pattern.TryFind(text, 0, out _, out _);
}

/// <summary>Removes white space at the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : Normalizer
{
    /// <inheritdoc/>
    public override void Apply(NormalizedText text)
    {
        var all = text.CodePoints();
        var leading = left ? all.TakeWhile(CodePoint.IsWhiteSpace).Count() : 0;
        var trailing = right ? all.Reverse().TakeWhile(CodePoint.IsWhiteSpace).Count() : 0;
        if (leading + trailing == 0) return;
        // Text of white space alone: both counts cover it, and nothing is left.
        text.Transform(leading + trailing >= all.Length ? [] : all[leading..^trailing].Select(c => (c, 0)), leading);
    }
}

/// <summary>Removes combining marks.</summary>
internal sealed class StripAccentsNormalizer : Normalizer
{
    /// <inheritdoc/>
    public override void Apply(NormalizedText text) => CodePointFilter.Keep(text, c => !CodePoint.IsMark(c));
}

/// <summary>Lower case, character by character; only U+0130 becomes two.</summary>
internal sealed class LowercaseNormalizer : Normalizer
{
    /// <inheritdoc/>
    public override void Apply(NormalizedText text) => text.Transform(text.CodePoints().SelectMany(Lower));

    private static IEnumerable<(int, int)> Lower(int c) =>
        c == 0x130 ? [('i', 0), (0x307, 1)] : [(Rune.TryCreate(c, out var rune) ? Rune.ToLowerInvariant(rune).Value : c, 0)];
}

/// <summary>SentencePiece's nmt rule: controls go away, other blanks become spaces.</summary>
internal sealed class NmtNormalizer : Normalizer
{
    /// <inheritdoc/>
    public override void Apply(NormalizedText text)
    {
        CodePointFilter.Keep(text, c => c is not (>= 1 and <= 8 or 0x0B or >= 0x0E and <= 0x1F or 0x7F or 0x8F or 0x9F));
        text.Transform(text.CodePoints().Select(c => (IsBlank(c) ? ' ' : c, 0)));
    }

    private static bool IsBlank(int c) => c is 9 or 0x0A or 0x0C or 0x0D or 0x1680 or >= 0x200B and <= 0x200F or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD;
}

/// <summary>Writes every byte as its stand-in.</summary>
internal sealed class ByteLevelNormalizer : Normalizer
{
    /// <inheritdoc/>
    public override void Apply(NormalizedText text) => text.Transform(StandIns(text));

    private static List<(int, int)> StandIns(NormalizedText text)
    {
        var bytes = text.Bytes;
        var list = new List<(int, int)>(bytes.Length);
        foreach (var b in bytes) list.Add((ByteAlphabet.ToChar(b), (b & 0xC0) == 0x80 ? 1 : 0));
        return list;
    }
}

/// <summary>Removes code points, keeping the alignment as the reference does.</summary>
internal static class CodePointFilter
{
    /// <summary>Keeps those for which <paramref name="keep"/> says so.</summary>
    public static void Keep(NormalizedText text, Func<int, bool> keep)
    {
        var kept = new List<(int CodePoint, int Change)>();
        int removedBefore = 0, removed = 0;
        foreach (var c in text.CodePoints())
        {
            if (!keep(c))
            {
                removed++;
                continue;
            }
            if (kept.Count > 0) kept[^1] = (kept[^1].CodePoint, -removed);
            else removedBefore = removed;
            kept.Add((c, 0));
            removed = 0;
        }
        if (kept.Count > 0) kept[^1] = (kept[^1].CodePoint, -removed);
        text.Transform(kept, removedBefore);
    }
}
