using System.Globalization;
using System.Runtime.CompilerServices;

namespace LowRank.Models.Tokenization.Text;

/// <summary>
/// Properties of code points as the regex engines behind tokenizers see them. Unlike <c>Regex</c> of .NET they hold beyond U+FFFF.
/// They come from the runtime's own Unicode tables, not from ICU.
/// </summary>
internal static class CodePoint
{
    /// <summary>Unicode White_Space, what <c>\s</c> means.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsWhiteSpace(int c) => c < 0x10000 && char.IsWhiteSpace((char)c);

    /// <summary>General category L, <c>\p{L}</c>.</summary>
    public static bool IsLetter(int c) => Category(c) <= UnicodeCategory.OtherLetter;

    /// <summary>General category N, <c>\p{N}</c>.</summary>
    public static bool IsNumber(int c) => Category(c) is >= UnicodeCategory.DecimalDigitNumber and <= UnicodeCategory.OtherNumber;

    /// <summary>General category M, <c>\p{M}</c>.</summary>
    public static bool IsMark(int c) => Category(c) is >= UnicodeCategory.NonSpacingMark and <= UnicodeCategory.EnclosingMark;

    /// <summary>ASCII punctuation or general category P.</summary>
    public static bool IsPunctuation(int c) => c < 0x80
        ? c is >= '!' and <= '/' or >= ':' and <= '@' or >= '[' and <= '`' or >= '{' and <= '~'
        : Category(c) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    /// <summary>
    /// <c>\w</c> of the regex engines: alphabetic, mark, decimal digit, connector punctuation. Other_Alphabetic beyond marks
    /// and letter numbers is the circled and squared Latin letters.
    /// </summary>
    public static bool IsWord(int c) => Category(c) switch
    {
        <= UnicodeCategory.LetterNumber => true,
        UnicodeCategory.ConnectorPunctuation => true,
        UnicodeCategory.OtherSymbol => c is >= 0x24B6 and <= 0x24E9 or >= 0x1F130 and <= 0x1F149 or >= 0x1F150 and <= 0x1F169 or >= 0x1F170 and <= 0x1F189,
        _ => false,
    };

    /// <summary><c>\w</c> of Rust's regex crate, which also counts the joiners U+200C and U+200D.</summary>
    public static bool IsWordOrJoiner(int c) => c is 0x200C or 0x200D || IsWord(c);

    /// <summary>The general category.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UnicodeCategory Category(int c) => CharUnicodeInfo.GetUnicodeCategory(c);
}
