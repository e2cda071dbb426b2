using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// The values of one block: <c>table[code] · scale</c> in fp32. All sixteen products are formed first, so that a value is one look-up. Every path takes 32 values
/// (16 bytes) at a time and leaves the rest to the scalar one.
/// </summary>
internal static unsafe class FourBitDecode
{
    /// <summary>Decodes on a path that the processor has.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="packed">Two codes a byte, the first in the high nibble.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="table">The sixteen values of the codes.</param>
    /// <param name="scale">The block's scale.</param>
    /// <param name="target">Gets the values.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(VectorPath path, byte* packed, int count, float* table, float scale, float* target)
    {
        if (path == VectorPath.Avx2) WithAvx2(packed, count, table, scale, target);
        else if (path == VectorPath.Avx512) WithAvx512(packed, count, table, scale, target);
        else if (path == VectorPath.Vector128) WithVector128(packed, count, table, scale, target);
        else Scalar(packed, count, table, scale, target);
    }

    /// <summary>The plain form of every other path.</summary>
    public static void Scalar(byte* packed, int count, float* table, float scale, float* target)
    {
        if (count == 0) return;
        var scaled = stackalloc float[16];
        for (var i = 0; i < 16; i++) scaled[i] = table[i] * scale;
        for (var i = 0; i + 1 < count; i += 2)
        {
            var pair = packed[i / 2];
            target[i] = scaled[pair >> 4];
            target[i + 1] = scaled[pair & 15];
        }
        if (count % 2 == 1) target[count - 1] = scaled[packed[count / 2] >> 4];
    }

    private static void WithAvx512(byte* packed, int count, float* table, float scale, float* target)
    {
        var scaled = Vector512.Load(table) * Vector512.Create(scale);
        var i = 0;
        for (; i <= count - 32; i += 32)
        {
            var (first, second) = Codes(packed + i / 2);
            Vector512.Store(Avx512F.PermuteVar16x32(scaled, Avx512F.ConvertToVector512Int32(first)), target + i);
            Vector512.Store(Avx512F.PermuteVar16x32(scaled, Avx512F.ConvertToVector512Int32(second)), target + i + 16);
        }
        Scalar(packed + i / 2, count - i, table, scale, target + i);
    }

    private static void WithAvx2(byte* packed, int count, float* table, float scale, float* target)
    {
        var by = Vector256.Create(scale);
        var (low, high) = (Vector256.Load(table) * by, Vector256.Load(table + 8) * by);
        var i = 0;
        for (; i <= count - 32; i += 32)
        {
            var (first, second) = Codes(packed + i / 2);
            Vector256.Store(LookUp(low, high, Avx2.ConvertToVector256Int32(first)), target + i);
            Vector256.Store(LookUp(low, high, Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(first, 8))), target + i + 8);
            Vector256.Store(LookUp(low, high, Avx2.ConvertToVector256Int32(second)), target + i + 16);
            Vector256.Store(LookUp(low, high, Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(second, 8))), target + i + 24);
        }
        if (i < count) Scalar(packed + i / 2, count - i, table, scale, target + i);
    }

    /// <summary>Entries of a table of sixteen: both halves by the lower three bits, then the one that the fourth bit, moved to the sign, names.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> LookUp(Vector256<float> low, Vector256<float> high, Vector256<int> codes) =>
        Avx.BlendVariable(Avx2.PermuteVar8x32(low, codes), Avx2.PermuteVar8x32(high, codes), (codes << 28).AsSingle());

    /// <summary>32 codes in order from 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (Vector128<byte> First, Vector128<byte> Second) Codes(byte* packed)
    {
        var bytes = Vector128.Load(packed);
        var mask = Vector128.Create((byte)15);
        var (high, low) = ((bytes.AsUInt16() >> 4).AsByte() & mask, bytes & mask);
        return (Sse2.UnpackLow(high, low), Sse2.UnpackHigh(high, low));
    }

    // No portable look-up of 32-bit values exists, but one of bytes does: each byte of the value is looked up alone, and they are put together by widening.
    private static void WithVector128(byte* packed, int count, float* table, float scale, float* target)
    {
        var planes = stackalloc byte[64];
        for (var c = 0; c < 16; c++)
        {
            var bits = BitConverter.SingleToUInt32Bits(table[c] * scale);
            for (var plane = 0; plane < 4; plane++) planes[16 * plane + c] = (byte)(bits >> (8 * plane));
        }
        var (p0, p1, p2, p3) = (Vector128.Load(planes), Vector128.Load(planes + 16), Vector128.Load(planes + 32), Vector128.Load(planes + 48));
        var mask = Vector128.Create((byte)15);
        var i = 0;
        for (; i <= count - 32; i += 32)
        {
            var bytes = Vector128.Load(packed + i / 2);
            var (high, low) = ((bytes.AsUInt16() >> 4).AsByte() & mask, bytes & mask);
            // Byte pairs in order: the first code of a byte in the lower half of a 16-bit lane.
            Store(p0, p1, p2, p3, (Vector128.WidenLower(high) | Vector128.WidenLower(low) << 8).AsByte(), target + i);
            Store(p0, p1, p2, p3, (Vector128.WidenUpper(high) | Vector128.WidenUpper(low) << 8).AsByte(), target + i + 16);
        }
        Scalar(packed + i / 2, count - i, table, scale, target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<byte> p0, Vector128<byte> p1, Vector128<byte> p2, Vector128<byte> p3, Vector128<byte> codes, float* target)
    {
        var (b0, b1, b2, b3) = (Vector128.Shuffle(p0, codes), Vector128.Shuffle(p1, codes), Vector128.Shuffle(p2, codes), Vector128.Shuffle(p3, codes));
        Store(Vector128.WidenLower(b0) | Vector128.WidenLower(b1) << 8, Vector128.WidenLower(b2) | Vector128.WidenLower(b3) << 8, target);
        Store(Vector128.WidenUpper(b0) | Vector128.WidenUpper(b1) << 8, Vector128.WidenUpper(b2) | Vector128.WidenUpper(b3) << 8, target + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<ushort> low, Vector128<ushort> high, float* target)
    {
        Vector128.Store((Vector128.WidenLower(low) | Vector128.WidenLower(high) << 16).AsSingle(), target);
        Vector128.Store((Vector128.WidenUpper(low) | Vector128.WidenUpper(high) << 16).AsSingle(), target + 4);
    }
}
