using System.Runtime.CompilerServices;

namespace LowRank.Models.Tokenization.Text;

/// <summary>The four disjoint classes that the usual split patterns tell apart.</summary>
internal enum CharacterClass : byte
{
    /// <summary>Neither letter, number nor white space: <c>[^\s\p{L}\p{N}]</c>.</summary>
    Other,

    /// <summary><c>\p{L}</c>.</summary>
    Letter,

    /// <summary><c>\p{N}</c>.</summary>
    Number,

    /// <summary><c>\s</c>.</summary>
    Space,
}

/// <summary>Scans UTF-8 by <see cref="CharacterClass"/>: one table look-up for ASCII, the category for the rest.</summary>
internal static class CharacterClasses
{
    private static readonly CharacterClass[] Ascii = MakeAscii();

    /// <summary>The class of the code point at <paramref name="at"/>, and its number of bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharacterClass At(ReadOnlySpan<byte> text, int at, out int length)
    {
        var b = text[at];
        if (b < 0x80)
        {
            length = 1;
            return Ascii[b];
        }
        return Of(Utf8.At(text, at, out length));
    }

    /// <summary>The end of the run of <paramref name="wanted"/> that begins at or before <paramref name="at"/>.</summary>
    public static int RunEnd(ReadOnlySpan<byte> text, int at, CharacterClass wanted)
    {
        while (at < text.Length && At(text, at, out var length) == wanted) at += length;
        return at;
    }

    private static CharacterClass Of(int codePoint) =>
        CodePoint.IsLetter(codePoint) ? CharacterClass.Letter
        : CodePoint.IsNumber(codePoint) ? CharacterClass.Number
        : CodePoint.IsWhiteSpace(codePoint) ? CharacterClass.Space
        : CharacterClass.Other;

    private static CharacterClass[] MakeAscii()
    {
        var classes = new CharacterClass[128];
        for (var c = 0; c < 128; c++) classes[c] = Of(c);
        return classes;
    }
}
