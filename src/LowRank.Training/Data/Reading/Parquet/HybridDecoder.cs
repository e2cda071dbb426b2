namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>Parquet's mixture of runs and bit-packed groups, in which levels, dictionary indices and booleans are kept.</summary>
internal static class HybridDecoder
{
    /// <summary>Fills <paramref name="values"/> from numbers of <paramref name="width"/> bits; the bytes used.</summary>
    /// <exception cref="InvalidDataException">The bytes end before, or the width is out of range.</exception>
    public static int Read(ReadOnlySpan<byte> bytes, int width, Span<int> values)
    {
        if (width is < 0 or > 32) throw new InvalidDataException($"{width} bits are out of range");
        var (at, filled) = (0, 0);
        while (filled < values.Length)
        {
            var head = VarInt(bytes, ref at);
            if ((head & 1) == 0)
            {
                var count = (int)Math.Min(head >> 1, (ulong)(values.Length - filled));
                var value = 0;
                for (var b = 0; b < (width + 7) / 8; b++) value |= bytes[at++] << (8 * b);
                if (count == 0) throw new InvalidDataException("a run of no values");
                values.Slice(filled, count).Fill(value);
                filled += count;
                continue;
            }
            var groups = head >> 1;
            if (groups is 0 or > int.MaxValue) throw new InvalidDataException("a packed run is out of range");
            var packed = (int)Math.Min(groups * 8, (ulong)(values.Length - filled));
            Unpack(bytes[at..], width, values.Slice(filled, packed));
            filled += packed;
            // The last group may be cut off where its values are not needed.
            at = (int)Math.Min((ulong)at + groups * (ulong)width, (ulong)bytes.Length);
        }
        return at;
    }

    /// <summary>Numbers of <paramref name="width"/> bits, the lowest bit first.</summary>
    private static void Unpack(ReadOnlySpan<byte> bytes, int width, Span<int> values)
    {
        var (held, bits, at) = (0UL, 0, 0);
        var mask = width == 32 ? uint.MaxValue : (1u << width) - 1;
        for (var i = 0; i < values.Length; i++)
        {
            while (bits < width)
            {
                held |= (ulong)bytes[at++] << bits;
                bits += 8;
            }
            values[i] = (int)((uint)held & mask);
            held >>= width;
            bits -= width;
        }
    }

    public static ulong VarInt(ReadOnlySpan<byte> bytes, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = bytes[at++];
            value |= (ulong)(b & 127) << shift;
            if (b < 128) return value;
        }
        throw new InvalidDataException("a number has too many bytes");
    }
}
