namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>DELTA_BINARY_PACKED, and the two encodings of texts that are built on it.</summary>
internal static class DeltaDecoder
{
    /// <summary>Whole numbers, and the bytes that they took.</summary>
    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static (long[] Values, int Bytes) Numbers(ReadOnlySpan<byte> bytes, int expected)
    {
        var at = 0;
        var (block, miniblocks, count) = (HybridDecoder.VarInt(bytes, ref at), HybridDecoder.VarInt(bytes, ref at), HybridDecoder.VarInt(bytes, ref at));
        var value = ZigZag(bytes, ref at);
        if (miniblocks is 0 or > 4096 || block is 0 or > 1 << 20 || block % miniblocks != 0 || count != (ulong)expected) throw new InvalidDataException("a delta-encoded page is damaged");
        var values = new long[expected];
        var filled = 0;
        if (expected > 0) values[filled++] = value;
        var size = (int)(block / miniblocks);
        while (filled < expected)
        {
            var least = ZigZag(bytes, ref at);
            var widths = bytes.Slice(at, (int)miniblocks);
            at += (int)miniblocks;
            for (var m = 0; m < widths.Length && filled < expected; m++)
            {
                if (widths[m] > 64) throw new InvalidDataException("a delta-encoded page is damaged");
                var packed = bytes[at..];
                for (var i = 0; i < size && filled < expected; i++)
                {
                    value = unchecked(value + least + (long)Bits(packed, (long)i * widths[m], widths[m]));
                    values[filled++] = value;
                }
                at += size * widths[m] / 8;
            }
        }
        return (values, at);
    }

    /// <summary>DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes.</summary>
    public static byte[][] Lengths(ReadOnlySpan<byte> bytes, int expected)
    {
        var (lengths, at) = Numbers(bytes, expected);
        var values = new byte[expected][];
        for (var i = 0; i < expected; i++)
        {
            values[i] = bytes.Slice(at, checked((int)lengths[i])).ToArray();
            at += values[i].Length;
        }
        return values;
    }

    /// <summary>DELTA_BYTE_ARRAY: how much of the value before is kept, and what follows it.</summary>
    public static byte[][] Prefixes(ReadOnlySpan<byte> bytes, int expected)
    {
        var (kept, at) = Numbers(bytes, expected);
        var values = Lengths(bytes[at..], expected);
        for (var i = 1; i < expected; i++) values[i] = [.. values[i - 1].AsSpan(0, checked((int)kept[i])), .. values[i]];
        return values;
    }

    private static ulong Bits(ReadOnlySpan<byte> bytes, long from, int width)
    {
        var (value, taken) = (0UL, 0);
        while (taken < width)
        {
            var (at, shift) = ((int)((from + taken) / 8), (int)((from + taken) % 8));
            var bits = Math.Min(8 - shift, width - taken);
            value |= ((ulong)(bytes[at] >> shift) & ((1UL << bits) - 1)) << taken;
            taken += bits;
        }
        return value;
    }

    private static long ZigZag(ReadOnlySpan<byte> bytes, ref int at) => HybridDecoder.VarInt(bytes, ref at) is var value ? (long)(value >> 1) ^ -(long)(value & 1) : 0;
}
