using System.Globalization;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Normalization;

/// <summary>BERT's normalizer, in the order of the reference: clean the text, set Chinese characters apart, strip accents, lower case.</summary>
/// <param name="cleanText">Whether controls go away and every white space becomes a space.</param>
/// <param name="handleChineseChars">Whether a space is put before and after each Chinese character.</param>
/// <param name="stripAccents">Whether accents go away (NFD without its nonspacing marks).</param>
/// <param name="lowercase">Whether letters become lower case.</param>
internal sealed class BertNormalizer(bool cleanText, bool handleChineseChars, bool stripAccents, bool lowercase) : Normalizer
{
    private readonly UnicodeNormalizer _decompose = new(compose: false, compatible: false);
    private readonly LowercaseNormalizer _lowercase = new();

    /// <inheritdoc/>
    public override void Apply(NormalizedText text)
    {
        if (cleanText)
        {
            CodePointFilter.Keep(text, c => c is not (0 or 0xFFFD) && !IsControl(c));
            text.Transform(text.CodePoints().Select(c => (CodePoint.IsWhiteSpace(c) ? ' ' : c, 0)));
        }
        if (handleChineseChars) text.Transform(text.CodePoints().SelectMany<int, (int, int)>(c => IsChinese(c) ? [(' ', 0), (c, 1), (' ', 1)] : [(c, 0)]));
        if (stripAccents)
        {
            _decompose.Apply(text);
            CodePointFilter.Keep(text, c => CodePoint.Category(c) != UnicodeCategory.NonSpacingMark);
        }
        if (lowercase) _lowercase.Apply(text);
    }

    /// <inheritdoc/>
    public override bool LeavesAlone(ReadOnlySpan<byte> text) =>
        text.IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0 && !(lowercase && text.IndexOfAnyInRange((byte)'A', (byte)'Z') >= 0);

    private static bool IsControl(int c) => c is not ('\t' or '\n' or '\r')
        && CodePoint.Category(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse;

    /// <summary>The CJK ideographs; kana and Hangul are written with spaces or cut by the vocabulary. The blocks are those of BERT.</summary>
    private static bool IsChinese(int c) => c is >= 0x4E00 and <= 0x9FFF or >= 0x3400 and <= 0x4DBF or >= 0x20000 and <= 0x2A6DF or >= 0x2A700 and <= 0x2B73F
        or >= 0x2B740 and <= 0x2B81F or >= 0x2B920 and <= 0x2CEAF or >= 0xF900 and <= 0xFAFF or >= 0x2F800 and <= 0x2FA1F;
}
