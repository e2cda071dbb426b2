using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// One AdamW step with 8-bit moments over a piece of a tensor, on the calling thread. Block by block the moments are decoded into scratch, updated, applied to the values
/// in fp32 and encoded again with the nearest codes, so moments are rounded after they were used. The order of operations is that of bitsandbytes' optimizer on a CPU
/// (decay before the update). Arithmetic is in vectors; table look-ups are loads one by one, which the first-level cache answers faster than the gather instructions of
/// AMD's processors, and of Intel's with their mitigations. The rest of a block, or all of it on the plain path, does the same operations one by one: equal bits.
/// </summary>
internal static unsafe class AdamW8BitKernel
{
    private const int BlockSize = DynamicBlocks.BlockSize;

    /// <summary>Updates moments and values.</summary>
    /// <param name="values">First value.</param>
    /// <param name="gradients">First gradient.</param>
    /// <param name="moments">Codes and scales of the piece; it begins with a block.</param>
    /// <param name="count">Elements; the last block may be short.</param>
    /// <param name="step">The numbers of the step.</param>
    /// <param name="vectorised">False takes the plain path.</param>
    public static void Update(float* values, float* gradients, QuantizedMoments moments, int count, in AdamWStep step, bool vectorised)
    {
        float* first = stackalloc float[BlockSize], second = stackalloc float[BlockSize];
        var cells = stackalloc int[BlockSize];
        var (signed, unsigned) = (new Tables(DynamicMap.Signed), new Tables(DynamicMap.Unsigned));
        for (int begin = 0, block = 0; begin < count; begin += BlockSize, block++)
        {
            var n = Math.Min(BlockSize, count - begin);
            var lanes = vectorised ? n - n % Vector<float>.Count : 0;
            byte* codes1 = moments.Codes1 + begin, codes2 = moments.Codes2 + begin;
            Decode(codes1, signed.Values, first, n);
            Decode(codes2, unsigned.Values, second, n);
            var (largest1, largest2) = UpdateBlock(values + begin, gradients + begin, first, moments.Scales1[block], second, moments.Scales2[block], lanes, n, step);
            (moments.Scales1[block], moments.Scales2[block]) = (largest1, largest2);
            Encode(first, largest1, signed, codes1, cells, lanes, n);
            Encode(second, largest2, unsigned, codes2, cells, lanes, n);
        }
    }

    private static void Decode(byte* codes, float* map, float* x, int count)
    {
        var i = 0;
        for (; i <= count - 8; i += 8)
        {
            var eight = *(ulong*)(codes + i);
            x[i] = map[(byte)eight];
            x[i + 1] = map[(byte)(eight >> 8)];
            x[i + 2] = map[(byte)(eight >> 16)];
            x[i + 3] = map[(byte)(eight >> 24)];
            x[i + 4] = map[(byte)(eight >> 32)];
            x[i + 5] = map[(byte)(eight >> 40)];
            x[i + 6] = map[(byte)(eight >> 48)];
            x[i + 7] = map[(byte)(eight >> 56)];
        }
        for (; i < count; i++) x[i] = map[codes[i]];
    }

    // Takes moments as values of the map, without their scales, and leaves the updated moments; returns the largest magnitudes.
    private static (float First, float Second) UpdateBlock(float* values, float* gradients, float* first, float scale1, float* second, float scale2, int lanes, int count, in AdamWStep step)
    {
        float largest1 = 0, largest2 = 0;
        if (lanes > 0)
        {
            var (beta1, oneMinusBeta1) = (new Vector<float>(step.Beta1), new Vector<float>(step.OneMinusBeta1));
            var (beta2, oneMinusBeta2) = (new Vector<float>(step.Beta2), new Vector<float>(step.OneMinusBeta2));
            var (keep, size) = (new Vector<float>(step.Keep), new Vector<float>(step.StepSize));
            var (root, epsilon) = (new Vector<float>(step.RootCorrection), new Vector<float>(step.Epsilon));
            var (by1, by2) = (new Vector<float>(scale1), new Vector<float>(scale2));
            var (most1, most2) = (Vector<float>.Zero, Vector<float>.Zero);
            for (var i = 0; i < lanes; i += Vector<float>.Count)
            {
                var gradient = Vector.Load(gradients + i);
                var mean = Vector.Load(first + i) * by1 * beta1 + gradient * oneMinusBeta1;
                var square = Vector.Load(second + i) * by2 * beta2 + gradient * gradient * oneMinusBeta2;
                Vector.Store(mean, first + i);
                Vector.Store(square, second + i);
                Vector.Store(Vector.Load(values + i) * keep - size * mean / (Vector.SquareRoot(square) / root + epsilon), values + i);
                most1 = Vector.Max(most1, Vector.Abs(mean));
                most2 = Vector.Max(most2, square);
            }
            for (var l = 0; l < Vector<float>.Count; l++) (largest1, largest2) = (MathF.Max(largest1, most1[l]), MathF.Max(largest2, most2[l]));
        }
        for (var i = lanes; i < count; i++)
        {
            var gradient = gradients[i];
            first[i] = first[i] * scale1 * step.Beta1 + gradient * step.OneMinusBeta1;
            second[i] = second[i] * scale2 * step.Beta2 + gradient * gradient * step.OneMinusBeta2;
            values[i] = values[i] * step.Keep - step.StepSize * first[i] / (MathF.Sqrt(second[i]) / step.RootCorrection + step.Epsilon);
            (largest1, largest2) = (MathF.Max(largest1, MathF.Abs(first[i])), MathF.Max(largest2, second[i]));
        }
        return (largest1, largest2);
    }

    // The scale is applied as its reciprocal; its least value keeps a block of zeros from dividing by zero. The search is that of DynamicMap.Nearest.
    private static void Encode(float* x, float largest, in Tables map, byte* codes, int* cells, int lanes, int count)
    {
        var by = 1 / MathF.Max(largest, 1e-38f);
        var scale = new Vector<float>(by);
        var (magnitude, first, last, negative) = (new Vector<int>(int.MaxValue), new Vector<int>(DynamicMap.FirstCell), new Vector<int>(DynamicMap.Cells - 1), new Vector<int>(DynamicMap.Cells));
        for (var i = 0; i < lanes; i += Vector<float>.Count)
        {
            var scaled = Vector.Load(x + i) * scale;
            Vector.Store(scaled, x + i);
            var bits = Vector.AsVectorInt32(scaled);
            var cell = Vector.Min(Vector.Max(Vector.ShiftRightLogical(bits & magnitude, DynamicMap.CellShift) - first, Vector<int>.Zero), last);
            Vector.Store(cell + (Vector.ShiftRightArithmetic(bits, 31) & negative), cells + i);
        }
        for (var i = lanes; i < count; i++)
        {
            x[i] *= by;
            cells[i] = DynamicMap.CellOf(x[i]);
        }
        byte* lowest = map.Lowest;
        var borders = map.Borders;
        for (var i = 0; i < count; i++)
        {
            int code = lowest[cells[i]];
            codes[i] = (byte)(code + (x[i] > borders[code] ? 1 : 0));
        }
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
