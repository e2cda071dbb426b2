using LowRank.Formats;
using LowRank.Kernels.Cpu;

namespace LowRank.Quantization;

/// <summary>The parts of a 4-bit weight as addresses, for kernels.</summary>
/// <param name="packed">Two codes a byte.</param>
/// <param name="table">The table of <see cref="FourBitDecode.FillTable"/>.</param>
/// <param name="absmax">Scales, or their codes where <paramref name="nestedAbsmax"/> is not null.</param>
/// <param name="nestedAbsmax">With double quantization, the scales of the scales.</param>
/// <param name="nestedValues">The 256 values of the codes of scales.</param>
/// <param name="nestedOffset">What is added to a decoded scale.</param>
/// <param name="blockShift">Logarithm of the block size to base 2.</param>
/// <param name="rounding">F32, or the type to which decoded elements are rounded.</param>
internal readonly unsafe struct FourBitView(byte* packed, float* table, byte* absmax, float* nestedAbsmax, float* nestedValues, float nestedOffset, int blockShift, TensorType rounding)
{
    private const int NestedShift = 8;

    /// <summary>Two codes a byte, the first in the high nibble.</summary>
    public byte* Packed => packed;

    /// <summary>Sixteen values, then their bytes.</summary>
    public float* Table => table;

    /// <summary>F32, or the type to which decoded elements are rounded.</summary>
    public TensorType Rounding => rounding;

    /// <summary>Elements of a block.</summary>
    public int BlockSize => 1 << blockShift;

    /// <summary>The block of a flat element.</summary>
    public long BlockOf(long element) => element >> blockShift;

    /// <summary>Elements from this one to the end of its block.</summary>
    public int ToEndOfBlock(long element) => (int)(((element >> blockShift) + 1 << blockShift) - element);

    /// <summary>The scale of a block, decoded where it is quantized: <c>nested value · nested absmax + offset</c> in fp32, each operation rounded.</summary>
    public float Scale(long block) =>
        nestedAbsmax is null ? ((float*)absmax)[block] : nestedValues[absmax[block]] * nestedAbsmax[block >> NestedShift] + nestedOffset;
}
