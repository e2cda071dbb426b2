using System.Numerics;

namespace LowRank.Formats;

/// <summary>
/// Encodes single-precision values as GGUF tensors. F32, F16, BF16, Q8_0, Q4_0, Q5_0 and Q5_1 give the bytes of gguf-py 0.19 (<c>gguf/quants.py</c>); Q4_K, Q5_K
/// and Q6_K have a search of their own for the scales (<see cref="GgufSearchedBlocks"/>), in the layout of llama.cpp. All methods are safe from any thread.
/// </summary>
internal static unsafe class GgufQuantizer
{
    // Beyond the largest half-precision number F16 would be infinite; blocks have scales of that type.
    private const float Largest = 65504;

    // Some milliseconds of a searched type, a multiple of every block size.
    private const long Piece = 1 << 14;

    /// <summary>Encodes values on all processors.</summary>
    /// <param name="type">One of the types above.</param>
    /// <param name="values">The values, none of which <see cref="FirstUnfit"/> finds.</param>
    /// <param name="count">Their number, a multiple of the type's block size.</param>
    /// <param name="blocks">Room for the blocks.</param>
    /// <exception cref="ArgumentException">The type is not written, or the values do not fill whole blocks.</exception>
    public static void Quantize(TensorType type, float* values, long count, byte* blocks)
    {
        if (count < 0 || count % type.BlockSize() != 0) throw new ArgumentException($"{count} values are no whole number of {type} blocks.", nameof(count));
        var encode = Of(type);
        Split(count, (from, n) =>
        {
            float* x = values + from;
            byte* at = blocks + from / type.BlockSize() * type.BlockBytes();
            if (type.IsPlain()) Narrow(type, x, (int)n, at);
            else
                for (var block = n / type.BlockSize(); block > 0; block--, x += type.BlockSize(), at += type.BlockBytes()) encode(x, at);
        });
    }

    /// <summary>The place of the first value that the type cannot hold: NaN, infinite, or beyond half precision. -1 where all fit; always for F32 and BF16.</summary>
    public static long FirstUnfit(TensorType type, float* values, long count)
    {
        if (type is TensorType.F32 or TensorType.BF16) return -1;
        var first = long.MaxValue;
        var gate = new Lock();
        Split(count, (from, n) =>
        {
            var at = FirstBeyond(new ReadOnlySpan<float>(values + from, (int)n));
            if (at < 0) return;
            lock (gate) first = Math.Min(first, from + at);
        });
        return first == long.MaxValue ? -1 : first;
    }

    private static int FirstBeyond(ReadOnlySpan<float> values)
    {
        var i = 0;
        // A NaN is not less or equal to anything.
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
            if (!Vector.LessThanOrEqualAll(Vector.Abs(new Vector<float>(values[i..])), new Vector<float>(Largest))) break;
        for (; i < values.Length; i++)
            if (!(Math.Abs(values[i]) <= Largest)) return i;
        return -1;
    }

    private static void Narrow(TensorType type, float* values, int count, byte* to)
    {
        var from = new ReadOnlySpan<float>(values, count);
        if (type == TensorType.F32) from.CopyTo(new Span<float>(to, count));
        else if (type == TensorType.BF16) FloatConversion.SingleToBFloat16(from, new Span<ushort>(to, count));
        else FloatConversion.SingleToHalf(from, new Span<ushort>(to, count));
    }

    private static delegate*<float*, byte*, void> Of(TensorType type) => type switch
    {
        TensorType.F32 or TensorType.F16 or TensorType.BF16 => null,
        TensorType.Q8_0 => &GgufRoundedBlocks.Q8_0,
        TensorType.Q4_0 => &GgufRoundedBlocks.Q4_0,
        TensorType.Q5_0 => &GgufRoundedBlocks.Q5_0,
        TensorType.Q5_1 => &GgufRoundedBlocks.Q5_1,
        TensorType.Q4_K => &GgufSearchedBlocks.Q4_K,
        TensorType.Q5_K => &GgufSearchedBlocks.Q5_K,
        TensorType.Q6_K => &GgufSearchedBlocks.Q6_K,
        _ => throw new ArgumentException($"GGUF type {type} is not written.", nameof(type)),
    };

    private static void Split(long count, Action<long, long> work)
    {
        if (count <= Piece) work(0, count);
        else Parallel.For(0, (count + Piece - 1) / Piece, part => work(part * Piece, Math.Min(Piece, count - part * Piece)));
    }
}
