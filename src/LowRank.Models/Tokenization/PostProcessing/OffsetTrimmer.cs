using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.PostProcessing;

/// <summary>Takes the white space at the ends of tokens out of their offsets, as process_offsets of the reference does.</summary>
internal static class OffsetTrimmer
{
    private const int SpaceStandIn = 0x120;

    /// <summary>Trims the offset of one token, whose text is given.</summary>
    /// <param name="text">The token's UTF-8 text, a space of byte-level tokens being U+0120.</param>
    /// <param name="offset">Its offset in code points.</param>
    /// <param name="isFirst">Whether it is the first token.</param>
    /// <param name="addPrefixSpace">Whether a space was put before the text: then one leading space of the first token is that.</param>
    public static (int Start, int End) Trim(ReadOnlySpan<byte> text, (int Start, int End) offset, bool isFirst, bool addPrefixSpace)
    {
        var (leading, trailing) = (0, 0);
        for (int i = 0, length; i < text.Length && IsBlank(Utf8.At(text, i, out length)); i += length) leading++;
        for (var end = text.Length; end > 0 && IsBlank(Utf8.Last(text[..end])); end = Utf8.StartBefore(text, end)) trailing++;
        if (leading > 0)
        {
            if ((isFirst || offset.Start == 0) && addPrefixSpace && leading == 1) leading = 0;
            offset.Start = Math.Min(offset.Start + leading, offset.End);
        }
        if (trailing > 0 && offset.End >= trailing) offset.End = Math.Max(offset.End - trailing, offset.Start);
        return offset;
    }

    private static bool IsBlank(int codePoint) => codePoint == SpaceStandIn || CodePoint.IsWhiteSpace(codePoint);
}
