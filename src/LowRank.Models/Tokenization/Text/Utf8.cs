using System.Runtime.CompilerServices;

namespace LowRank.Models.Tokenization.Text;

/// <summary>Code points of valid UTF-8. Text is made valid once, when it enters (lone surrogates become U+FFFD), so nothing is checked here.</summary>
internal static class Utf8
{
    /// <summary>The number of bytes of the code point that begins at <paramref name="at"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LengthAt(ReadOnlySpan<byte> text, int at)
    {
        var b = text[at];
        return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
    }

    /// <summary>The code point that begins at <paramref name="at"/>, and its number of bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int At(ReadOnlySpan<byte> text, int at, out int length)
    {
        int b = text[at];
        if (b < 0x80)
        {
            length = 1;
            return b;
        }
        return Long(text, at, b, out length);
    }

    /// <summary>The last code point; the text is not empty.</summary>
    public static int Last(ReadOnlySpan<byte> text) => At(text, StartBefore(text, text.Length), out _);

    /// <summary>Where the code point begins that ends at <paramref name="end"/>, which is above 0.</summary>
    public static int StartBefore(ReadOnlySpan<byte> text, int end)
    {
        do end--;
        while ((text[end] & 0xC0) == 0x80);
        return end;
    }

    /// <summary>Writes a code point and returns its number of bytes, 4 at most.</summary>
    public static int Write(int codePoint, Span<byte> destination) => new System.Text.Rune(codePoint).EncodeToUtf8(destination);

    /// <summary>The number of bytes of a code point.</summary>
    public static int Length(int codePoint) => codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;

    private static int Long(ReadOnlySpan<byte> text, int at, int b, out int length)
    {
        if (b < 0xE0)
        {
            length = 2;
            return (b & 0x1F) << 6 | text[at + 1] & 0x3F;
        }
        if (b < 0xF0)
        {
            length = 3;
            return (b & 0x0F) << 12 | (text[at + 1] & 0x3F) << 6 | text[at + 2] & 0x3F;
        }
        length = 4;
        return (b & 0x07) << 18 | (text[at + 1] & 0x3F) << 12 | (text[at + 2] & 0x3F) << 6 | text[at + 3] & 0x3F;
    }
}
