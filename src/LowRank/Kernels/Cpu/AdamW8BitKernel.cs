using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// One AdamW step with 8-bit moments over a piece of a tensor, on the calling thread. Block by block the moments are decoded into scratch, updated, applied to the values
/// in fp32 and encoded again with the nearest codes, so moments are rounded after they were used. The order of operations is that of bitsandbytes' optimizer on a CPU
/// (decay before the update). AVX2 has 8 lanes; the rest of a block, and other processors, do the same operations one by one: equal bits.
/// </summary>
internal static unsafe class AdamW8BitKernel
{
    private const int BlockSize = DynamicBlocks.BlockSize;

    /// <summary>Whether the vector path can be taken.</summary>
    public static bool IsVectorised => Avx2.IsSupported;

    /// <summary>Updates moments and values.</summary>
    /// <param name="values">First value.</param>
    /// <param name="gradients">First gradient.</param>
    /// <param name="moments">Codes and scales of the piece; it begins with a block.</param>
    /// <param name="count">Elements; the last block may be short.</param>
    /// <param name="step">The numbers of the step.</param>
    /// <param name="vectorised">False takes the plain path.</param>
    public static void Update(float* values, float* gradients, QuantizedMoments moments, int count, in AdamWStep step, bool vectorised)
    {
        var first = stackalloc float[BlockSize];
        var second = stackalloc float[BlockSize];
        var signed = new Tables(DynamicMap.Signed);
        var unsigned = new Tables(DynamicMap.Unsigned);
        vectorised &= Avx2.IsSupported;
        for (int begin = 0, block = 0; begin < count; begin += BlockSize, block++)
        {
            var n = Math.Min(BlockSize, count - begin);
            var lanes = vectorised ? n / 8 * 8 : 0;
            byte* codes1 = moments.Codes1 + begin, codes2 = moments.Codes2 + begin;
            float largest1 = 0, largest2 = 0;
            if (lanes > 0)
                UpdateLanes(values + begin, gradients + begin, codes1, codes2, moments.Scales1[block], moments.Scales2[block], signed.Values, unsigned.Values, first, second, lanes, step, out largest1, out largest2);
            for (var i = lanes; i < n; i++)
            {
                var gradient = gradients[begin + i];
                first[i] = signed.Values[codes1[i]] * moments.Scales1[block] * step.Beta1 + gradient * step.OneMinusBeta1;
                second[i] = unsigned.Values[codes2[i]] * moments.Scales2[block] * step.Beta2 + gradient * gradient * step.OneMinusBeta2;
                values[begin + i] = values[begin + i] * step.Keep - step.StepSize * first[i] / (MathF.Sqrt(second[i]) / step.RootCorrection + step.Epsilon);
                largest1 = MathF.Max(largest1, MathF.Abs(first[i]));
                largest2 = MathF.Max(largest2, second[i]);
            }
            (moments.Scales1[block], moments.Scales2[block]) = (largest1, largest2);
            Encode(first, largest1, DynamicMap.Signed, signed, codes1, lanes, n);
            Encode(second, largest2, DynamicMap.Unsigned, unsigned, codes2, lanes, n);
        }
    }

    private static void UpdateLanes(float* values, float* gradients, byte* codes1, byte* codes2, float scale1, float scale2, float* signed, float* unsigned,
        float* first, float* second, int count, in AdamWStep step, out float largest1, out float largest2)
    {
        var (beta1, oneMinusBeta1) = (Vector256.Create(step.Beta1), Vector256.Create(step.OneMinusBeta1));
        var (beta2, oneMinusBeta2) = (Vector256.Create(step.Beta2), Vector256.Create(step.OneMinusBeta2));
        var (keep, size) = (Vector256.Create(step.Keep), Vector256.Create(step.StepSize));
        var (root, epsilon) = (Vector256.Create(step.RootCorrection), Vector256.Create(step.Epsilon));
        var (by1, by2) = (Vector256.Create(scale1), Vector256.Create(scale2));
        var (most1, most2) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (var i = 0; i < count; i += 8)
        {
            var gradient = Vector256.Load(gradients + i);
            var mean = Avx2.GatherVector256(signed, Avx2.ConvertToVector256Int32(codes1 + i), 4) * by1 * beta1 + gradient * oneMinusBeta1;
            var square = Avx2.GatherVector256(unsigned, Avx2.ConvertToVector256Int32(codes2 + i), 4) * by2 * beta2 + gradient * gradient * oneMinusBeta2;
            Vector256.Store(mean, first + i);
            Vector256.Store(square, second + i);
            Vector256.Store(Vector256.Load(values + i) * keep - size * mean / (Vector256.Sqrt(square) / root + epsilon), values + i);
            most1 = Avx.Max(most1, Vector256.Abs(mean));
            most2 = Avx.Max(most2, square);
        }
        (largest1, largest2) = (0, 0);
        for (var l = 0; l < 8; l++)
        {
            largest1 = MathF.Max(largest1, most1[l]);
            largest2 = MathF.Max(largest2, most2[l]);
        }
    }

    // The scale is applied as its reciprocal; its least value keeps a block of zeros from dividing by zero.
    private static void Encode(float* x, float largest, DynamicMap map, in Tables tables, byte* codes, int lanes, int count)
    {
        var by = 1 / MathF.Max(largest, 1e-38f);
        if (lanes > 0)
        {
            var scale = Vector256.Create(by);
            var (magnitude, firstCell, lastCell, negative) = (Vector256.Create(int.MaxValue), Vector256.Create(DynamicMap.FirstCell), Vector256.Create(DynamicMap.Cells - 1), Vector256.Create(DynamicMap.Cells));
            for (var i = 0; i < lanes; i += 8)
            {
                var scaled = Vector256.Load(x + i) * scale;
                var bits = scaled.AsInt32();
                var cell = Avx2.Subtract(Avx2.ShiftRightLogical(bits & magnitude, DynamicMap.CellShift), firstCell);
                cell = Avx2.Min(Avx2.Max(cell, Vector256<int>.Zero), lastCell) + (Avx2.ShiftRightArithmetic(bits, 31) & negative);
                var code = Avx2.GatherVector256((int*)tables.Lowest, cell, 1) & Vector256.Create(255);
                // The mask of a true comparison is -1.
                code -= Avx.CompareGreaterThan(scaled, Avx2.GatherVector256(tables.Borders, code, 4)).AsInt32();
                var words = Sse41.PackUnsignedSaturate(code.GetLower(), code.GetUpper());
                Sse2.StoreScalar((long*)(codes + i), Sse2.PackUnsignedSaturate(words.AsInt16(), words.AsInt16()).AsInt64());
            }
        }
        for (var i = lanes; i < count; i++) codes[i] = map.Nearest(x[i] * by);
    }

    // Pointers into a map's pinned arrays.
    private readonly struct Tables(DynamicMap map)
    {
        public float* Values { get; } = Start(map.AscendingValues);

        public float* Borders { get; } = Start(map.Borders);

        public byte* Lowest { get; } = Start(map.Lowest);

        private static T* Start<T>(ReadOnlySpan<T> pinned)
            where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(pinned));
    }
}
