using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// 8-bit quantization in blocks of 256: a block keeps its largest magnitude in fp32 and, for each value, the code of the nearest value of a
/// <see cref="DynamicMap"/> to <c>x / absmax</c>. On the calling thread; a caller with much to do cuts it at multiples of a block.
/// </summary>
internal static unsafe class DynamicBlocks
{
    /// <summary>Values that share one scale.</summary>
    public const int BlockSize = 256;

    /// <summary>Blocks of <paramref name="count"/> values; the last may be short.</summary>
    public static long Blocks(long count) => (count + BlockSize - 1) / BlockSize;

    /// <summary>Quantizes. A block without a value other than zero gets the code of zero.</summary>
    /// <param name="source">The values, finite.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="map">The values that codes stand for.</param>
    /// <param name="codes">Gets <paramref name="count"/> codes.</param>
    /// <param name="absmax">Gets a scale for each block.</param>
    /// <param name="vectorised">Whether AVX2 is used where the processor has it; the codes are the same.</param>
    public static void Quantize(float* source, long count, DynamicMap map, byte* codes, float* absmax, bool vectorised = true)
    {
        fixed (byte* lowest = map.Lowest)
        fixed (float* borders = map.Borders)
            for (long start = 0, block = 0; start < count; start += BlockSize, block++)
            {
                var n = (int)Math.Min(BlockSize, count - start);
                var scale = LargestMagnitude(source + start, n);
                absmax[block] = scale;
                var by = scale > 0 ? scale : 1;
                var i = 0;
                if (vectorised && Avx2.IsSupported)
                    for (; i <= n - 32; i += 32) Nearest32(source + start + i, Vector256.Create(by), lowest, borders, codes + start + i);
                for (; i < n; i++) codes[start + i] = map.Nearest(source[start + i] / by);
            }
    }

    private static void Nearest32(float* x, Vector256<float> by, byte* lowest, float* borders, byte* codes)
    {
        var low = Avx2.PackSignedSaturate(
            DynamicMap.Nearest(Vector256.Load(x) / by, lowest, borders), DynamicMap.Nearest(Vector256.Load(x + 8) / by, lowest, borders));
        var high = Avx2.PackSignedSaturate(
            DynamicMap.Nearest(Vector256.Load(x + 16) / by, lowest, borders), DynamicMap.Nearest(Vector256.Load(x + 24) / by, lowest, borders));
        // Packing works within halves of 128 bits: groups of four values come out as 0 2 4 6, 1 3 5 7.
        Vector256.Store(Avx2.PermuteVar8x32(Avx2.PackUnsignedSaturate(low, high).AsInt32(), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsByte(), codes);
    }

    /// <summary>The values that the codes stand for: <c>map[code] · absmax</c>.</summary>
    public static void Dequantize(byte* codes, float* absmax, long count, ReadOnlySpan<float> map, float* target)
    {
        fixed (float* values = map)
            for (long start = 0, block = 0; start < count; start += BlockSize, block++)
            {
                var n = (int)Math.Min(BlockSize, count - start);
                var scale = absmax[block];
                var i = 0;
                if (Avx2.IsSupported)
                    for (; i <= n - 8; i += 8)
                        Vector256.Store(Avx2.GatherVector256(values, Avx2.ConvertToVector256Int32(codes + start + i), 4) * Vector256.Create(scale), target + start + i);
                for (; i < n; i++) target[start + i] = values[codes[start + i]] * scale;
            }
    }

    private static float LargestMagnitude(float* x, int n)
    {
        var (lanes, i) = (Vector256<float>.Zero, 0);
        for (; i <= n - 8; i += 8) lanes = Vector256.Max(lanes, Vector256.Abs(Vector256.Load(x + i)));
        var four = Vector128.Max(lanes.GetLower(), lanes.GetUpper());
        var two = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        var largest = MathF.Max(two[0], two[1]);
        for (; i < n; i++) largest = MathF.Max(largest, MathF.Abs(x[i]));
        return largest;
    }
}
