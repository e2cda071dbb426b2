using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LowRank.Models.Tokenization.Bpe;

/// <summary>A fast hash of short byte strings (multiply and fold, after wyhash). Only in memory, never stored.</summary>
internal static class ByteHash
{
    private const ulong First = 0xA0761D6478BD642F, Second = 0xE7037ED1A0B428DB;

    /// <summary>The hash of <paramref name="bytes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        ulong h;
        if (bytes.Length >= 8)
        {
            h = Second;
            var rest = bytes;
            while (rest.Length > 8)
            {
                h = Fold(h ^ Read(rest), First);
                rest = rest[8..];
            }
            h = Fold(h ^ Read(bytes[^8..]), First ^ (ulong)bytes.Length);
        }
        else
        {
            ulong word = 0;
            if (bytes.Length >= 4)
                word = BinaryPrimitives.ReadUInt32LittleEndian(bytes) | (ulong)BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) << 32;
            else if (bytes.Length > 0)
                word = bytes[0] | (ulong)bytes[bytes.Length >> 1] << 8 | (ulong)bytes[^1] << 16;
            h = Fold(word ^ Second, First ^ (ulong)bytes.Length);
        }
        return (uint)(h ^ h >> 32);
    }

    private static ulong Read(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<ulong>(bytes);

    private static ulong Fold(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }
}
