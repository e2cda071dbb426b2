using System.Globalization;
using System.Runtime.Intrinsics;
using LowRank.Formats;
using LowRank.Kernels.Cpu;
using LowRank.Runtime.Interop;
using LowRank.Runtime.Memory;

namespace LowRank.Quantization;

/// <summary>
/// Turns a weight into 4-bit codes with a scale for each block (QLoRA, arXiv 2305.14314, sections 2 and 3), on libtorch's threads. Every block is computed alone, so
/// the bytes do not depend on their number.
/// </summary>
internal static unsafe class FourBitQuantizer
{
    // bitsandbytes (backends/default/ops.py) divides by no less than this, and stores no less for a last block that is short.
    private const float SmallestScale = 1e-38f;

    // Elements that one thread takes at least.
    private const int Grain = 1 << 16;

    /// <summary>Quantizes a weight.</summary>
    /// <param name="data">The weight's first element, row by row.</param>
    /// <param name="type">F32, BF16 or F16.</param>
    /// <param name="outFeatures">Rows.</param>
    /// <param name="inFeatures">Columns.</param>
    /// <param name="options">How to store it.</param>
    /// <param name="name">The tensor's name for errors.</param>
    /// <exception cref="LowRankException">The weight has a NaN or an infinite value, or another type.</exception>
    public static FourBitParts Quantize(byte* data, TensorType type, long outFeatures, long inFeatures, FourBitOptions options, string name)
    {
        if (type is not (TensorType.F32 or TensorType.BF16 or TensorType.F16))
            throw new LowRankException($"{name}: a tensor of type {type} cannot be quantized to 4 bits; F32, BF16 or F16 is needed.");
        var elements = outFeatures * inFeatures;
        var blocks = FourBitParts.BlocksOf(elements, options.BlockSize);
        var (packed, absmax) = (new NativeBuffer((elements + 1) / 2), new NativeBuffer(blocks * sizeof(float)));
        try
        {
            Encode(data, type, elements, options, packed.Pointer, (float*)absmax.Pointer, name);
            if (!options.DoubleQuantization)
                return new FourBitParts(outFeatures, inFeatures, type, options) { Packed = packed, Absmax = absmax };
            var (codes, nested, offset) = QuantizeScales((float*)absmax.Pointer, blocks);
            absmax.Dispose();
            return new FourBitParts(outFeatures, inFeatures, type, options) { Packed = packed, Absmax = codes, NestedAbsmax = nested, NestedOffset = offset };
        }
        catch
        {
            packed.Dispose();
            absmax.Dispose();
            throw;
        }
    }

    private static void Encode(byte* data, TensorType type, long elements, FourBitOptions options, byte* packed, float* absmax, string name)
    {
        var (size, code, path) = (options.BlockSize, FourBitCode.Of(options.Type), VectorPaths.Fastest);
        var blocks = FourBitParts.BlocksOf(elements, size);
        var notFinite = long.MaxValue;
        TorchThreads.For(0, blocks, Math.Max(1, Grain / size), (from, to) =>
        {
            var wide = stackalloc float[size];
            for (var block = from; block < to; block++)
            {
                var start = block * size;
                var count = (int)Math.Min(size, elements - start);
                var x = Widen(data, type, start, count, wide);
                var largest = LargestMagnitude(x, count);
                if (!float.IsFinite(largest))
                {
                    Lower(ref notFinite, start + FirstNotFinite(x, count));
                    return;
                }
                var divisor = Math.Max(largest, SmallestScale);
                absmax[block] = count == size ? largest : divisor;
                FourBitEncode.Run(path, x, count, 1 / divisor, code, packed + start / 2);
            }
        });
        if (notFinite == long.MaxValue) return;
        float one;
        var value = *Widen(data, type, notFinite, 1, &one);
        throw new LowRankException(string.Create(CultureInfo.InvariantCulture,
            $"{name}: element {notFinite} of {elements} is {value}. A weight with NaN or infinite values cannot be quantized; the checkpoint is damaged or its training diverged."));
    }

    /// <summary>Double quantization: 8-bit codes of the scales less their mean, in blocks of 256.</summary>
    private static (NativeBuffer Codes, NativeBuffer Nested, float Offset) QuantizeScales(float* scales, long count)
    {
        double sum = 0;
        for (long i = 0; i < count; i++) sum += scales[i];
        var offset = count == 0 ? 0 : (float)(sum / count);
        for (long i = 0; i < count; i++) scales[i] -= offset;
        var (codes, nested) = (new NativeBuffer(count), new NativeBuffer(DynamicBlocks.Blocks(count) * sizeof(float)));
        DynamicBlocks.Quantize(scales, count, DynamicMap.Signed, codes.Pointer, (float*)nested.Pointer);
        return (codes, nested, offset);
    }

    private static float* Widen(byte* data, TensorType type, long start, int count, float* wide)
    {
        if (type == TensorType.F32) return (float*)data + start;
        ReadOnlySpan<ushort> narrow = new((ushort*)data + start, count);
        if (type == TensorType.BF16) FloatConversion.BFloat16ToSingle(narrow, new Span<float>(wide, count));
        else FloatConversion.HalfToSingle(narrow, new Span<float>(wide, count));
        return wide;
    }

    // Of the bits without the sign, as integers: a NaN is above infinity, which is above every number.
    private static float LargestMagnitude(float* x, int count)
    {
        var (lanes, mask, i) = (Vector256<int>.Zero, Vector256.Create(int.MaxValue), 0);
        for (; i <= count - 8; i += 8) lanes = Vector256.Max(lanes, Vector256.Load((int*)x + i) & mask);
        var four = Vector128.Max(lanes.GetLower(), lanes.GetUpper());
        var two = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        var largest = Math.Max(two[0], two[1]);
        for (; i < count; i++) largest = Math.Max(largest, ((int*)x)[i] & int.MaxValue);
        return BitConverter.Int32BitsToSingle(largest);
    }

    private static int FirstNotFinite(float* x, int count)
    {
        for (var i = 0; i < count; i++)
            if (!float.IsFinite(x[i])) return i;
        return count;
    }

    private static void Lower(ref long least, long value)
    {
        for (var seen = Volatile.Read(ref least); value < seen;)
        {
            var before = Interlocked.CompareExchange(ref least, value, seen);
            if (before == seen) return;
            seen = before;
        }
    }
}
