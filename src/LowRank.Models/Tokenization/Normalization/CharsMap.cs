using System.Buffers.Binary;

namespace LowRank.Models.Tokenization.Normalization;

/// <summary>
/// The rules that SentencePiece compiles its normalization to (<c>precompiled_charsmap</c>): the size of a double-array trie, its units as
/// little-endian 32-bit numbers (the format of Darts-clone), then the replacements, each ended by a zero byte.
/// </summary>
internal sealed class CharsMap
{
    private readonly uint[] _units;
    private readonly byte[] _replacements;

    private CharsMap(uint[] units, byte[] replacements) => (_units, _replacements) = (units, replacements);

    /// <summary>Reads the rules; null where the bytes are none.</summary>
    public static CharsMap? TryRead(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4) return null;
        var size = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        bytes = bytes[4..];
        if (size == 0 || size % 4 != 0 || size > bytes.Length) return null;
        var units = new uint[size / 4];
        for (var i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * 4)..]);
        var replacements = bytes[(int)size..].ToArray();
        return System.Text.Unicode.Utf8.IsValid(replacements) ? new CharsMap(units, replacements) : null;
    }

    /// <summary>The replacement of the shortest rule that <paramref name="text"/> begins with; the reference takes the shortest, too.</summary>
    /// <returns>False where no rule applies. An empty replacement removes the text.</returns>
    public bool TryFind(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement)
    {
        replacement = default;
        var place = Offset(_units[0]);
        foreach (var b in text)
        {
            if (b == 0) return false;
            place ^= b;
            if (place >= _units.Length || Label(_units[place]) != b) return false;
            var unit = _units[place];
            place ^= Offset(unit);
            if (!HasLeaf(unit)) continue;
            if (place >= _units.Length || (_units[place] & int.MaxValue) is var start && start >= _replacements.Length) return false;
            var rest = _replacements.AsSpan((int)start);
            // A damaged map may point into the middle of a character.
            if ((rest[0] & 0xC0) == 0x80) return false;
            replacement = rest[..(rest.IndexOf((byte)0) is >= 0 and var end ? end : rest.Length)];
            return true;
        }
        return false;
    }

    private static bool HasLeaf(uint unit) => (unit >> 8 & 1) == 1;

    private static uint Label(uint unit) => unit & (1u << 31 | 0xFF);

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 1u << 9) >> 6);
}
