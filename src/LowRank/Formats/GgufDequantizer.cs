using System.Runtime.InteropServices;

namespace LowRank.Formats;

/// <summary>
/// Values of GGUF tensors: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K, with the formulas and the order of roundings of
/// gguf-py 0.19 (<c>gguf/quants.py</c>), bit for bit. Other types are refused by name. All methods are safe from any thread.
/// </summary>
public static unsafe class GgufDequantizer
{
    private static readonly TensorType[] supported =
    [
        TensorType.F32, TensorType.F16, TensorType.BF16, TensorType.Q8_0, TensorType.Q4_0, TensorType.Q4_1, TensorType.Q5_0, TensorType.Q5_1,
        TensorType.Q4_K, TensorType.Q5_K, TensorType.Q6_K,
    ];

    // A tile is small enough to stay in the first-level cache between decoding and rounding, and a multiple of every block size.
    private const int Tile = 4096;

    // Below this a second thread costs more than it saves.
    private const long ParallelFrom = 1 << 17;

    /// <summary>The names of the types that can be read.</summary>
    public static string SupportedNames => string.Join(", ", supported);

    /// <summary>True where this class can give the values of a type.</summary>
    public static bool Supports(TensorType type) => Array.IndexOf(supported, type) >= 0;

    /// <summary>Decodes whole blocks to single precision.</summary>
    /// <param name="type">The type of the blocks.</param>
    /// <param name="blocks">The stored bytes; exactly those of <paramref name="values"/>.</param>
    /// <param name="values">Receives the values; its length is a multiple of the type's block size.</param>
    /// <exception cref="GgufException">The type is not supported.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit each other.</exception>
    public static void Dequantize(TensorType type, ReadOnlySpan<byte> blocks, Span<float> values)
    {
        Check(type, blocks.Length, values.Length);
        fixed (byte* from = blocks)
        fixed (float* to = values)
            Decode(type, from, values.Length, to);
    }

    /// <summary>Decodes whole blocks to bf16 bits: the single-precision value rounded to nearest, ties to even.</summary>
    /// <param name="type">The type of the blocks.</param>
    /// <param name="blocks">The stored bytes; exactly those of <paramref name="values"/>.</param>
    /// <param name="values">Receives bf16 bits; its length is a multiple of the type's block size.</param>
    /// <exception cref="GgufException">The type is not supported.</exception>
    /// <exception cref="ArgumentException">The lengths do not fit each other.</exception>
    public static void Dequantize(TensorType type, ReadOnlySpan<byte> blocks, Span<ushort> values)
    {
        Check(type, blocks.Length, values.Length);
        fixed (byte* from = blocks)
        fixed (ushort* to = values)
            DecodeRounded(type, from, values.Length, to);
    }

    /// <summary>Decodes a tensor of any size to single precision on all processors.</summary>
    /// <param name="type">The type of the blocks.</param>
    /// <param name="blocks">The first block.</param>
    /// <param name="count">Number of values, a multiple of the type's block size.</param>
    /// <param name="values">Room for <paramref name="count"/> values.</param>
    /// <exception cref="GgufException">The type is not supported.</exception>
    public static void Dequantize(TensorType type, byte* blocks, long count, float* values) =>
        Split(type, count, (from, n) => Decode(type, blocks + from / type.BlockSize() * type.BlockBytes(), n, values + from));

    /// <summary>Decodes a tensor of any size to bf16 bits on all processors.</summary>
    /// <param name="type">The type of the blocks.</param>
    /// <param name="blocks">The first block.</param>
    /// <param name="count">Number of values, a multiple of the type's block size.</param>
    /// <param name="values">Room for <paramref name="count"/> values.</param>
    /// <exception cref="GgufException">The type is not supported.</exception>
    public static void Dequantize(TensorType type, byte* blocks, long count, ushort* values) =>
        Split(type, count, (from, n) => DecodeRounded(type, blocks + from / type.BlockSize() * type.BlockBytes(), n, values + from));

    internal static void RequireSupported(TensorType type)
    {
        if (!Supports(type)) throw new GgufException(null, $"GGUF type {type} is not supported; supported are {SupportedNames}. Take the model in another quantization.");
    }

    private static void Check(TensorType type, long bytes, long values)
    {
        RequireSupported(type);
        if (values % type.BlockSize() != 0 || bytes != values / type.BlockSize() * type.BlockBytes())
            throw new ArgumentException($"{bytes} bytes of {type} do not hold {values} values: a block is {type.BlockBytes()} bytes for {type.BlockSize()} values.", nameof(values));
    }

    private static void Split(TensorType type, long count, Action<long, long> decode)
    {
        RequireSupported(type);
        if (count < 0 || count % type.BlockSize() != 0) throw new ArgumentException($"{count} values are no whole number of {type} blocks.", nameof(count));
        if (count < ParallelFrom)
        {
            decode(0, count);
            return;
        }
        var parts = (int)Math.Min((count + ParallelFrom - 1) / ParallelFrom, 4L * Environment.ProcessorCount);
        var step = ((count + parts - 1) / parts + Tile - 1) / Tile * Tile;
        Parallel.For(0, parts, part =>
        {
            var from = part * step;
            if (from < count) decode(from, Math.Min(step, count - from));
        });
    }

    internal static void DecodeRounded(TensorType type, byte* from, long count, ushort* to)
    {
        if (type == TensorType.BF16)
        {
            Buffer.MemoryCopy(from, to, count * 2, count * 2);
            return;
        }
        var tile = stackalloc float[Tile];
        for (long done = 0; done < count; done += Tile)
        {
            var n = (int)Math.Min(Tile, count - done);
            Decode(type, from + done / type.BlockSize() * type.BlockBytes(), n, tile);
            FloatConversion.SingleToBFloat16(new ReadOnlySpan<float>(tile, n), new Span<ushort>(to + done, n));
        }
    }

    private static void Decode(TensorType type, byte* from, long count, float* to)
    {
        if (type.IsPlain())
        {
            const int span = 1 << 20;
            for (long done = 0; done < count; done += span)
                DecodePlain(type, from + done * type.BlockBytes(), (int)Math.Min(span, count - done), to + done);
            return;
        }
        var decode = GgufBlocks.IsVectorised ? GgufBlocks.VectorOf(type) : GgufBlocks.PlainOf(type);
        for (var block = count / type.BlockSize(); block > 0; block--, from += type.BlockBytes(), to += type.BlockSize()) decode(from, to);
    }

    private static void DecodePlain(TensorType type, byte* from, int count, float* to)
    {
        var target = new Span<float>(to, count);
        if (type == TensorType.F32) MemoryMarshal.Cast<byte, float>(new ReadOnlySpan<byte>(from, count * 4)).CopyTo(target);
        else if (type == TensorType.BF16) FloatConversion.BFloat16ToSingle(new ReadOnlySpan<ushort>(from, count), target);
        else FloatConversion.HalfToSingle(new ReadOnlySpan<ushort>(from, count), target);
    }
}
