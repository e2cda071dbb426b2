using LowRank.Formats;
using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>Any range of the flat elements of a 4-bit weight, on the calling thread.</summary>
internal static unsafe class FourBitRange
{
    private const int Piece = 1024;

    // For fewer blocks, setting up the loop over them costs more than it saves.
    private const int ManyBlocks = 4;

    /// <summary>The elements in fp32, as the weight stands for them.</summary>
    public static void Decode(in FourBitView weight, long start, long count, float* target)
    {
        if (weight.Rounding == TensorType.F32)
        {
            DecodeUnrounded(in weight, start, count, target);
            return;
        }
        // Piece by piece, so that the second pass finds them in the first cache.
        for (long done = 0; done < count; done += Piece)
        {
            var n = (int)Math.Min(Piece, count - done);
            DecodeUnrounded(in weight, start + done, n, target + done);
            var piece = new Span<float>(target + done, n);
            if (weight.Rounding == TensorType.BF16) FloatConversion.RoundToBFloat16(piece);
            else FloatConversion.RoundToHalf(piece);
        }
    }

    private static void DecodeUnrounded(in FourBitView weight, long start, long count, float* target)
    {
        var path = VectorPaths.Fastest;
        var size = weight.BlockSize;
        for (var end = start + count; start < end;)
        {
            if ((start & (size - 1)) == 0 && end - start >= ManyBlocks * size)
            {
                var (block, last) = (weight.BlockOf(start), weight.BlockOf(end));
                FourBitDecode.Blocks(path, in weight, block, last, target);
                target += (last - block) * size;
                start = last * size;
                continue;
            }
            var scale = weight.Scale(weight.BlockOf(start));
            var n = (int)Math.Min(weight.ToEndOfBlock(start), end - start);
            if ((start & 1) == 1)
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
    public static void Decode(in FourBitView weight, long start, long count, TensorType type, byte* target)
    {
        if (type == TensorType.F32)
        {
            Decode(in weight, start, count, (float*)target);
            return;
        }
        var wide = stackalloc float[Piece];
        for (long done = 0; done < count; done += Piece)
        {
            var n = (int)Math.Min(Piece, count - done);
            Decode(in weight, start + done, n, wide);
            var narrow = new Span<ushort>((ushort*)target + done, n);
            if (type == TensorType.BF16) FloatConversion.SingleToBFloat16(new ReadOnlySpan<float>(wide, n), narrow);
            else if (type == TensorType.F16) FloatConversion.SingleToHalf(new ReadOnlySpan<float>(wide, n), narrow);
            else throw new ArgumentOutOfRangeException(nameof(type), type, "A 4-bit weight decodes to F32, BF16 or F16.");
        }
    }
}
