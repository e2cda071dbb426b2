using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// The codes of one block: the nearest value of the table to <c>x · (1 / absmax)</c>, two codes a byte, the first in the high nibble. A value's rank is the number of
/// borders below it; wide vectors find it by halving, one look-up and comparison for each of its four bits, narrow ones by comparing with all fifteen. Every path takes
/// 32 values at a time and leaves the rest to the scalar one.
/// </summary>
internal static unsafe class FourBitEncode
{
    /// <summary>Encodes on a path that the processor has.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="x">The block's values, finite.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="inverse">1 / absmax.</param>
    /// <param name="code">The code table.</param>
    /// <param name="packed">Gets <c>(count + 1) / 2</c> bytes.</param>
    public static void Run(VectorPath path, float* x, int count, float inverse, FourBitCode code, byte* packed)
    {
        var done = path switch
        {
            VectorPath.Avx512 => WithAvx512(x, count, inverse, code, packed),
            VectorPath.Avx2 => WithAvx2(x, count, inverse, code, packed),
            VectorPath.Vector128 => WithVector128(x, count, inverse, code, packed),
            _ => 0,
        };
        if (done < count) Scalar(x + done, count - done, inverse, code, packed + done / 2);
    }

    /// <summary>The plain form of every other path.</summary>
    public static void Scalar(float* x, int count, float inverse, FourBitCode code, byte* packed)
    {
        var byRank = code.ByRank;
        for (var i = 0; i < count; i += 2)
        {
            var first = byRank[code.Rank(x[i] * inverse)];
            var second = i + 1 < count ? byRank[code.Rank(x[i + 1] * inverse)] : code.Zero;
            packed[i / 2] = (byte)((first << 4) | second);
        }
    }

    private static int WithAvx512(float* x, int count, float inverse, FourBitCode code, byte* packed)
    {
        var by = Vector512.Create(inverse);
        var middle = Vector512.Create(code.Borders[7]);
        var (second, third, fourth) = (Halving(code, 0).ToVector512(), Halving(code, 1).ToVector512(), Halving(code, 2).ToVector512());
        var byRank = Vector128.Create(code.ByRank);
        var i = 0;
        for (; i <= count - 32; i += 32)
        {
            var first16 = Rank(Vector512.Load(x + i) * by, middle, second, third, fourth);
            var second16 = Rank(Vector512.Load(x + i + 16) * by, middle, second, third, fourth);
            Vector128.Store(Pack(Avx512F.ConvertToVector128Byte(first16), Avx512F.ConvertToVector128Byte(second16), byRank), packed + i / 2);
        }
        return i;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector512<int> Rank(Vector512<float> x, Vector512<float> middle, Vector512<float> second, Vector512<float> third, Vector512<float> fourth)
        {
            var rank = -Vector512.GreaterThan(x, middle).AsInt32();
            rank = rank + rank - Vector512.GreaterThan(x, Avx512F.PermuteVar16x32(second, rank)).AsInt32();
            rank = rank + rank - Vector512.GreaterThan(x, Avx512F.PermuteVar16x32(third, rank)).AsInt32();
            return rank + rank - Vector512.GreaterThan(x, Avx512F.PermuteVar16x32(fourth, rank)).AsInt32();
        }
    }

    private static int WithAvx2(float* x, int count, float inverse, FourBitCode code, byte* packed)
    {
        var by = Vector256.Create(inverse);
        var middle = Vector256.Create(code.Borders[7]);
        var (second, third, fourth) = (Halving(code, 0), Halving(code, 1), Halving(code, 2));
        var byRank = Vector128.Create(code.ByRank);
        var order = Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7);
        var i = 0;
        for (; i <= count - 32; i += 32)
        {
            var low = Avx2.PackSignedSaturate(
                Rank(Vector256.Load(x + i) * by, middle, second, third, fourth), Rank(Vector256.Load(x + i + 8) * by, middle, second, third, fourth));
            var high = Avx2.PackSignedSaturate(
                Rank(Vector256.Load(x + i + 16) * by, middle, second, third, fourth), Rank(Vector256.Load(x + i + 24) * by, middle, second, third, fourth));
            // Packing works within halves of 128 bits: groups of four values come out as 0 2 4 6, 1 3 5 7.
            var ranks = Avx2.PermuteVar8x32(Avx2.PackUnsignedSaturate(low, high).AsInt32(), order).AsByte();
            Vector128.Store(Pack(ranks.GetLower(), ranks.GetUpper(), byRank), packed + i / 2);
        }
        return i;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<int> Rank(Vector256<float> x, Vector256<float> middle, Vector256<float> second, Vector256<float> third, Vector256<float> fourth)
        {
            var rank = -Vector256.GreaterThan(x, middle).AsInt32();
            rank = rank + rank - Vector256.GreaterThan(x, Avx2.PermuteVar8x32(second, rank)).AsInt32();
            rank = rank + rank - Vector256.GreaterThan(x, Avx2.PermuteVar8x32(third, rank)).AsInt32();
            return rank + rank - Vector256.GreaterThan(x, Avx2.PermuteVar8x32(fourth, rank)).AsInt32();
        }
    }

    private static int WithVector128(float* x, int count, float inverse, FourBitCode code, byte* packed)
    {
        var borders = code.Borders[..^1];
        var by = Vector128.Create(inverse);
        var byRank = Vector128.Create(code.ByRank);
        var i = 0;
        for (; i <= count - 32; i += 32)
            Vector128.Store(Pack(Rank16(x + i, by, borders), Rank16(x + i + 16, by, borders), byRank), packed + i / 2);
        return i;

        static Vector128<byte> Rank16(float* x, Vector128<float> by, ReadOnlySpan<float> borders)
        {
            var (a, b, c, d) = (Vector128.Load(x) * by, Vector128.Load(x + 4) * by, Vector128.Load(x + 8) * by, Vector128.Load(x + 12) * by);
            Vector128<int> ra = default, rb = default, rc = default, rd = default;
            foreach (var border in borders)
            {
                var above = Vector128.Create(border);
                ra -= Vector128.GreaterThan(a, above).AsInt32();
                rb -= Vector128.GreaterThan(b, above).AsInt32();
                rc -= Vector128.GreaterThan(c, above).AsInt32();
                rd -= Vector128.GreaterThan(d, above).AsInt32();
            }
            return Vector128.Narrow(Vector128.Narrow(ra, rb), Vector128.Narrow(rc, rd)).AsByte();
        }
    }

    // Of 32 ranks in order: the codes, those at even places moved to the high nibble, and each pair put into one byte.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Pack(Vector128<byte> first, Vector128<byte> second, Vector128<byte> byRank)
    {
        return Vector128.Narrow(Pair(Vector128.ShuffleNative(byRank, first)), Pair(Vector128.ShuffleNative(byRank, second)));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<ushort> Pair(Vector128<byte> codes) => (codes.AsUInt16() << 4 | codes.AsUInt16() >> 8) & Vector128.Create((ushort)255);
    }

    private static Vector256<float> Halving(FourBitCode code, int step) => Vector256.Create(code.Halving.Slice(8 * step, 8));
}
