using LowRank.Formats;
using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>Any range of the flat elements of a 4-bit weight, on the calling thread.</summary>
internal static unsafe class FourBitRange
{
    private const int Piece = 1024;

    /// <summary>The elements in fp32.</summary>
    public static void Decode(FourBitView weight, long start, long count, float* target)
    {
        var path = VectorPaths.Fastest;
        for (var end = start + count; start < end;)
        {
            var scale = weight.Scale(weight.BlockOf(start));
            var n = (int)Math.Min(weight.ToEndOfBlock(start), end - start);
            if (start % 2 == 1)
            {
                // The range begins in the middle of a byte.
                *target = weight.Table[weight.Packed[start / 2] & 15] * scale;
                n = 1;
            }
            else
            {
                FourBitDecode.Run(path, weight.Packed + start / 2, n, weight.Table, scale, target);
            }
            start += n;
            target += n;
        }
    }

    /// <summary>The elements in F32, BF16 or F16: computed in fp32 and rounded once.</summary>
    public static void Decode(FourBitView weight, long start, long count, TensorType type, byte* target)
    {
        if (type == TensorType.F32)
        {
            Decode(weight, start, count, (float*)target);
            return;
        }
        var wide = stackalloc float[Piece];
        for (long done = 0; done < count; done += Piece)
        {
            var n = (int)Math.Min(Piece, count - done);
            Decode(weight, start + done, n, wide);
            var narrow = new Span<ushort>((ushort*)target + done, n);
            if (type == TensorType.BF16) FloatConversion.SingleToBFloat16(new ReadOnlySpan<float>(wide, n), narrow);
            else if (type == TensorType.F16) FloatConversion.SingleToHalf(new ReadOnlySpan<float>(wide, n), narrow);
            else throw new ArgumentOutOfRangeException(nameof(type), type, "A 4-bit weight decodes to F32, BF16 or F16.");
        }
    }
}
