namespace LowRank.Models.Tokenization.Bpe;

/// <summary>
/// GPT-2's printable stand-ins for the 256 bytes: a byte-level vocabulary writes a space as U+0120. A byte that is a printable
/// Latin-1 character stands for itself, the others follow from U+0100 on in the order of their value.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] CharOfByte = MakeChars();
    private static readonly short[] ByteOfChar = MakeBytes();

    /// <summary>The stand-in of a byte.</summary>
    public static char ToChar(byte value) => CharOfByte[value];

    /// <summary>The byte that a code point stands for, or -1.</summary>
    public static int ToByte(int codePoint) => (uint)codePoint < (uint)ByteOfChar.Length ? ByteOfChar[codePoint] : -1;

    /// <summary>
    /// Turns the UTF-8 of stand-ins into the bytes they stand for; false (and nothing meant by <paramref name="written"/>) when a
    /// character is not a stand-in. <paramref name="destination"/> needs as many bytes as <paramref name="utf8"/>.
    /// </summary>
    public static bool TryDecode(ReadOnlySpan<byte> utf8, Span<byte> destination, out int written)
    {
        written = 0;
        for (var i = 0; i < utf8.Length; i++)
        {
            int codePoint = utf8[i];
            if (codePoint >= 0x80)
            {
                // Stand-ins end at U+0143: two bytes of UTF-8 at most.
                if (codePoint >= 0xE0 || ++i == utf8.Length) return false;
                codePoint = (codePoint & 0x1F) << 6 | utf8[i] & 0x3F;
            }
            var value = ToByte(codePoint);
            if (value < 0) return false;
            destination[written++] = (byte)value;
        }
        return true;
    }

    private static char[] MakeChars()
    {
        var chars = new char[256];
        var next = 0x100;
        for (var b = 0; b < 256; b++)
            chars[b] = b is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)b : (char)next++;
        return chars;
    }

    private static short[] MakeBytes()
    {
        var bytes = new short[0x180];
        bytes.AsSpan().Fill(-1);
        for (var b = 0; b < 256; b++) bytes[CharOfByte[b]] = (short)b;
        return bytes;
    }
}
