using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LowRank.Formats;
using LowRank.Quantization;

namespace LowRank.Kernels.Cpu.Decoding;

/// <summary>
/// <c>x · Wᵀ</c> of a few fp32 rows and a 4-bit weight, decoded in registers and multiplied at once. A code looks up each of the four bytes of its value (<c>vpshufb</c>, 32 codes an
/// instruction), and interleaving puts them together; the input lies in the order that comes out of it. Values that are rounded after scaling have a table for each block.
/// The values multiplied are those of <see cref="FourBitRange"/>, bit for bit, and only the order of the sum is another; but for a single row of fp32 values, where the scale multiplies the sum of its block.
/// </summary>
internal static unsafe class FourBitGemv
{
    // Rows of x that share a decoded value.
    private const int RowsAtOnce = 4;

    // 1 KiB, as far as bf16 rows are read ahead.
    private const int Ahead = 1024;

    private const int Group = 64;

    // 128 KiB of codes.
    private const int PieceElements = 1 << 18;

    /// <summary>Whether this kernel can read the weight: AVX2, and rows of whole blocks of 64 or more.</summary>
    public static bool Handles(FourBitParts parts) => Avx2.IsSupported && Fma.IsSupported && parts.Options.BlockSize >= Group && parts.InFeatures % parts.Options.BlockSize == 0;

    /// <summary>Puts rows in the order that <see cref="Multiply"/> reads: of each 64 values those with even places, four of the first half with four of the second, then the odd ones alike.</summary>
    /// <param name="x">The values.</param>
    /// <param name="count">How many, a multiple of 64.</param>
    /// <param name="target">Gets them.</param>
    public static void Arrange(float* x, long count, float* target)
    {
        for (var end = x + count; x < end; x += Group, target += Group)
        {
            for (var k = 0; k < 4; k++)
            {
                float* first = x + 8 * k, second = first + 32;
                Vector128<float> a = Vector128.Load(first), b = Vector128.Load(first + 4), c = Vector128.Load(second), d = Vector128.Load(second + 4);
                Vector128.Store(Sse.Shuffle(a, b, 0b10_00_10_00), target + 8 * k);
                Vector128.Store(Sse.Shuffle(c, d, 0b10_00_10_00), target + 8 * k + 4);
                Vector128.Store(Sse.Shuffle(a, b, 0b11_01_11_01), target + 32 + 8 * k);
                Vector128.Store(Sse.Shuffle(c, d, 0b11_01_11_01), target + 32 + 8 * k + 4);
            }
        }
    }

    /// <summary>Computes a slice of the outputs on the calling thread.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="inFeatures">Its columns.</param>
    /// <param name="x"><c>[rows, in]</c>, arranged.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="start">The first output.</param>
    /// <param name="end">The one after the last.</param>
    /// <param name="y">Gets the outputs, <c>[rows, out]</c>.</param>
    /// <param name="outFeatures">Distance of the rows of <paramref name="y"/>.</param>
    public static void Multiply(FourBitView weight, long inFeatures, float* x, int rows, long start, long end, float* y, long outFeatures)
    {
        // With more rows than four a piece of the weight is read again from the second cache, not from memory.
        var piece = Math.Max(1, PieceElements / inFeatures);
        for (var begin = start; begin < end; begin += piece)
        {
            var stop = Math.Min(end, begin + piece);
            for (var first = 0; first < rows; first += RowsAtOnce)
            {
                float* from = x + first * inFeatures, to = y + first * outFeatures;
                var count = Math.Min(RowsAtOnce, rows - first);
                for (var o = begin; o < stop; o++)
                {
                    // One row and four have loops of their own; two and three are taken one by one.
                    if (count == RowsAtOnce) Four(in weight, o, inFeatures, from, to + o, outFeatures);
                    else for (var r = 0; r < count; r++) to[r * outFeatures + o] = One(in weight, o, inFeatures, from + r * inFeatures);
                }
            }
        }
    }

    private static float One(in FourBitView weight, long row, long n, float* x)
    {
        if (weight.Rounding != TensorType.F32) return weight.Rounding == TensorType.BF16 ? OneBFloat16(in weight, row, n, x) : OneHalf(in weight, row, n, x);
        // No call in these loops: it would have the sums go through memory.
        var (p0, p1, p2, p3) = Planes((byte*)(weight.Table + 16));
        var mask = Vector256.Create((byte)15);
        var (block, size) = (weight.BlockOf(row * n), weight.BlockSize);
        var packed = weight.Packed + row * n / 2;
        // The scale multiplies the sum of a block, once in place of 64 times.
        Vector256<float> sum = default;
        for (var end = x + n; x < end; block++)
        {
            var by = Vector256.Create(weight.Scale(block));
            Vector256<float> a = default, b = default, c = default, d = default;
            for (var stop = x + size; x < stop; x += Group, packed += Group / 2)
            {
                Sse.Prefetch0(packed + Ahead);
                var bytes = Vector256.Load(packed);
                var codes = (bytes.AsUInt16() >> 4).AsByte() & mask;
                var (b0, b1, b2, b3) = (Avx2.Shuffle(p0, codes), Avx2.Shuffle(p1, codes), Avx2.Shuffle(p2, codes), Avx2.Shuffle(p3, codes));
                var (low, high) = (Avx2.UnpackLow(b0, b1).AsInt16(), Avx2.UnpackLow(b2, b3).AsInt16());
                a = Vector256.FusedMultiplyAdd(Avx2.UnpackLow(low, high).AsSingle(), Vector256.Load(x), a);
                b = Vector256.FusedMultiplyAdd(Avx2.UnpackHigh(low, high).AsSingle(), Vector256.Load(x + 8), b);
                (low, high) = (Avx2.UnpackHigh(b0, b1).AsInt16(), Avx2.UnpackHigh(b2, b3).AsInt16());
                c = Vector256.FusedMultiplyAdd(Avx2.UnpackLow(low, high).AsSingle(), Vector256.Load(x + 16), c);
                d = Vector256.FusedMultiplyAdd(Avx2.UnpackHigh(low, high).AsSingle(), Vector256.Load(x + 24), d);
                codes = bytes & mask;
                (b0, b1, b2, b3) = (Avx2.Shuffle(p0, codes), Avx2.Shuffle(p1, codes), Avx2.Shuffle(p2, codes), Avx2.Shuffle(p3, codes));
                (low, high) = (Avx2.UnpackLow(b0, b1).AsInt16(), Avx2.UnpackLow(b2, b3).AsInt16());
                a = Vector256.FusedMultiplyAdd(Avx2.UnpackLow(low, high).AsSingle(), Vector256.Load(x + 32), a);
                b = Vector256.FusedMultiplyAdd(Avx2.UnpackHigh(low, high).AsSingle(), Vector256.Load(x + 40), b);
                (low, high) = (Avx2.UnpackHigh(b0, b1).AsInt16(), Avx2.UnpackHigh(b2, b3).AsInt16());
                c = Vector256.FusedMultiplyAdd(Avx2.UnpackLow(low, high).AsSingle(), Vector256.Load(x + 48), c);
                d = Vector256.FusedMultiplyAdd(Avx2.UnpackHigh(low, high).AsSingle(), Vector256.Load(x + 56), d);
            }
            sum = Vector256.FusedMultiplyAdd(by, (a + b) + (c + d), sum);
        }
        return Vector256.Sum(sum);
    }

    // A bf16 number is the upper half of an fp32 one: two tables of bytes in place of four, made for each block as its values are rounded after scaling.
    private static float OneBFloat16(in FourBitView weight, long row, long n, float* x)
    {
        var mask = Vector256.Create((byte)15);
        var (first, second) = TableInLanes(weight.Table);
        var (block, size) = (weight.BlockOf(row * n), weight.BlockSize);
        var packed = weight.Packed + row * n / 2;
        Vector256<float> a = default, b = default, c = default, d = default;
        for (var end = x + n; x < end; block++)
        {
            var (p0, p1) = BFloat16Planes(first, second, Vector256.Create(weight.Scale(block)));
            for (var stop = x + size; x < stop; x += Group, packed += Group / 2)
            {
                Sse.Prefetch0(packed + Ahead);
                var bytes = Vector256.Load(packed);
                var codes = (bytes.AsUInt16() >> 4).AsByte() & mask;
                var (b0, b1) = (Avx2.Shuffle(p0, codes), Avx2.Shuffle(p1, codes));
                var (low, high) = (Avx2.UnpackLow(b0, b1).AsUInt16(), Avx2.UnpackHigh(b0, b1).AsUInt16());
                a = Vector256.FusedMultiplyAdd(Avx2.UnpackLow(Vector256<ushort>.Zero, low).AsSingle(), Vector256.Load(x), a);
                b = Vector256.FusedMultiplyAdd(Avx2.UnpackHigh(Vector256<ushort>.Zero, low).AsSingle(), Vector256.Load(x + 8), b);
                c = Vector256.FusedMultiplyAdd(Avx2.UnpackLow(Vector256<ushort>.Zero, high).AsSingle(), Vector256.Load(x + 16), c);
                d = Vector256.FusedMultiplyAdd(Avx2.UnpackHigh(Vector256<ushort>.Zero, high).AsSingle(), Vector256.Load(x + 24), d);
                codes = bytes & mask;
                (b0, b1) = (Avx2.Shuffle(p0, codes), Avx2.Shuffle(p1, codes));
                (low, high) = (Avx2.UnpackLow(b0, b1).AsUInt16(), Avx2.UnpackHigh(b0, b1).AsUInt16());
                a = Vector256.FusedMultiplyAdd(Avx2.UnpackLow(Vector256<ushort>.Zero, low).AsSingle(), Vector256.Load(x + 32), a);
                b = Vector256.FusedMultiplyAdd(Avx2.UnpackHigh(Vector256<ushort>.Zero, low).AsSingle(), Vector256.Load(x + 40), b);
                c = Vector256.FusedMultiplyAdd(Avx2.UnpackLow(Vector256<ushort>.Zero, high).AsSingle(), Vector256.Load(x + 48), c);
                d = Vector256.FusedMultiplyAdd(Avx2.UnpackHigh(Vector256<ushort>.Zero, high).AsSingle(), Vector256.Load(x + 56), d);
            }
        }
        return Vector256.Sum((a + b) + (c + d));
    }

    // A weight of fp16 values: decoded a block at a time, and then multiplied.
    private static float OneHalf(in FourBitView weight, long row, long n, float* x)
    {
        var values = stackalloc float[Group];
        var (block, size) = (weight.BlockOf(row * n), weight.BlockSize);
        var packed = weight.Packed + row * n / 2;
        Vector256<float> a = default, b = default;
        for (var end = x + n; x < end; block++)
        {
            var (p0, p1, p2, p3) = HalfPlanes(weight.Table, weight.Scale(block));
            for (var stop = x + size; x < stop; x += Group, packed += Group / 2)
            {
                Sse.Prefetch0(packed + Ahead);
                Decode(p0, p1, p2, p3, packed, Vector256<float>.One, values);
                for (var i = 0; i < Group; i += 16)
                {
                    a = Vector256.FusedMultiplyAdd(Vector256.Load(values + i), Vector256.Load(x + i), a);
                    b = Vector256.FusedMultiplyAdd(Vector256.Load(values + i + 8), Vector256.Load(x + i + 8), b);
                }
            }
        }
        return Vector256.Sum(a + b);
    }

    private static void Four(in FourBitView weight, long row, long n, float* x, float* y, long next)
    {
        var (p0, p1, p2, p3) = weight.Rounding == TensorType.BF16 ? default : Planes((byte*)(weight.Table + 16));
        var (first, second) = TableInLanes(weight.Table);
        var (block, size) = (weight.BlockOf(row * n), weight.BlockSize);
        var packed = weight.Packed + row * n / 2;
        Vector256<float> a = default, b = default, c = default, d = default;
        var values = stackalloc float[Group];
        for (var end = x + n; x < end; block++)
        {
            var by = Vector256.Create(weight.Scale(block));
            if (weight.Rounding == TensorType.BF16) (p2, p3) = BFloat16Planes(first, second, by);
            else if (weight.Rounding != TensorType.F32) (p0, p1, p2, p3) = HalfPlanes(weight.Table, by[0]);
            if (weight.Rounding != TensorType.F32) by = Vector256<float>.One;
            for (var stop = x + size; x < stop; packed += Group / 2)
            {
                Sse.Prefetch0(packed + Ahead);
                Decode(p0, p1, p2, p3, packed, by, values);
                for (var i = 0; i < Group; i += 8, x += 8)
                {
                    var w = Vector256.Load(values + i);
                    a = Vector256.FusedMultiplyAdd(w, Vector256.Load(x), a);
                    b = Vector256.FusedMultiplyAdd(w, Vector256.Load(x + n), b);
                    c = Vector256.FusedMultiplyAdd(w, Vector256.Load(x + 2 * n), c);
                    d = Vector256.FusedMultiplyAdd(w, Vector256.Load(x + 3 * n), d);
                }
            }
        }
        (y[0], y[next], y[2 * next], y[3 * next]) = (Vector256.Sum(a), Vector256.Sum(b), Vector256.Sum(c), Vector256.Sum(d));
    }

    // 64 values, in the order of the arranged input.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Decode(Vector256<byte> p0, Vector256<byte> p1, Vector256<byte> p2, Vector256<byte> p3, byte* packed, Vector256<float> by, float* values)
    {
        var mask = Vector256.Create((byte)15);
        var bytes = Vector256.Load(packed);
        DecodeHalf(p0, p1, p2, p3, (bytes.AsUInt16() >> 4).AsByte() & mask, by, values);
        DecodeHalf(p0, p1, p2, p3, bytes & mask, by, values + 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DecodeHalf(Vector256<byte> p0, Vector256<byte> p1, Vector256<byte> p2, Vector256<byte> p3, Vector256<byte> codes, Vector256<float> by, float* values)
    {
        var (b0, b1, b2, b3) = (Avx2.Shuffle(p0, codes), Avx2.Shuffle(p1, codes), Avx2.Shuffle(p2, codes), Avx2.Shuffle(p3, codes));
        var (low, high) = (Avx2.UnpackLow(b0, b1).AsInt16(), Avx2.UnpackLow(b2, b3).AsInt16());
        (Avx2.UnpackLow(low, high).AsSingle() * by).Store(values);
        (Avx2.UnpackHigh(low, high).AsSingle() * by).Store(values + 8);
        (low, high) = (Avx2.UnpackHigh(b0, b1).AsInt16(), Avx2.UnpackHigh(b2, b3).AsInt16());
        (Avx2.UnpackLow(low, high).AsSingle() * by).Store(values + 16);
        (Avx2.UnpackHigh(low, high).AsSingle() * by).Store(values + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<byte>, Vector256<byte>, Vector256<byte>, Vector256<byte>) Planes(byte* planes) =>
        (Twice(Vector128.Load(planes)), Twice(Vector128.Load(planes + 16)), Twice(Vector128.Load(planes + 32)), Twice(Vector128.Load(planes + 48)));

    // The sixteen values so that packing 32 bits to 16, which works within halves of 128 bits, leaves them in order.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float>, Vector256<float>) TableInLanes(float* table) =>
        (Vector256.Create(Vector128.Load(table), Vector128.Load(table + 8)), Vector256.Create(Vector128.Load(table + 4), Vector128.Load(table + 12)));

    // The lower and the upper bytes of a block's sixteen values, scaled and rounded to bf16: to nearest, to even where two are as near.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<byte>, Vector256<byte>) BFloat16Planes(Vector256<float> first, Vector256<float> second, Vector256<float> by)
    {
        Vector256<uint> u = (first * by).AsUInt32(), v = (second * by).AsUInt32(), half = Vector256.Create(0x7FFFu), one = Vector256<uint>.One;
        u = u + half + (u >> 16 & one) >> 16;
        v = v + half + (v >> 16 & one) >> 16;
        var values = Avx2.PackUnsignedSaturate(u.AsInt32(), v.AsInt32());
        var bytes = Avx2.PackUnsignedSaturate((values & Vector256.Create((ushort)255)).AsInt16(), (values >> 8).AsInt16()).AsUInt64();
        return (Avx2.Permute4x64(bytes, 0b10_00_10_00).AsByte(), Avx2.Permute4x64(bytes, 0b11_01_11_01).AsByte());
    }

    // The bytes of a block's sixteen values, scaled and rounded to fp16, which then need no scale.
    private static (Vector256<byte>, Vector256<byte>, Vector256<byte>, Vector256<byte>) HalfPlanes(float* table, float scale)
    {
        var by = Vector256.Create(scale);
        var values = stackalloc float[16];
        (Vector256.Load(table) * by).Store(values);
        (Vector256.Load(table + 8) * by).Store(values + 8);
        FloatConversion.RoundToHalf(new Span<float>(values, 16));
        // Of four values each, byte by byte; then the fours put together.
        var bytes = Vector128.Create((byte)0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        Vector128<uint> v0 = Ssse3.Shuffle(Vector128.Load((byte*)values), bytes).AsUInt32(), v1 = Ssse3.Shuffle(Vector128.Load((byte*)values + 16), bytes).AsUInt32();
        Vector128<uint> v2 = Ssse3.Shuffle(Vector128.Load((byte*)values + 32), bytes).AsUInt32(), v3 = Ssse3.Shuffle(Vector128.Load((byte*)values + 48), bytes).AsUInt32();
        Vector128<ulong> low01 = Sse2.UnpackLow(v0, v1).AsUInt64(), low23 = Sse2.UnpackLow(v2, v3).AsUInt64(), high01 = Sse2.UnpackHigh(v0, v1).AsUInt64(), high23 = Sse2.UnpackHigh(v2, v3).AsUInt64();
        return (Twice(Sse2.UnpackLow(low01, low23).AsByte()), Twice(Sse2.UnpackHigh(low01, low23).AsByte()), Twice(Sse2.UnpackLow(high01, high23).AsByte()), Twice(Sse2.UnpackHigh(high01, high23).AsByte()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Twice(Vector128<byte> x) => Vector256.Create(x, x);
}
