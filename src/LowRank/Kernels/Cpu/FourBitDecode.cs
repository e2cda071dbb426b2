using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// The values of one block: <c>table[code] · scale</c> in fp32. Every path takes 32 values or 64 at a time and leaves the rest to a narrower one. AVX-512
/// looks a value up in the table multiplied by the scale; the narrower vectors look up each of its four bytes, put them together, and multiply.
/// </summary>
internal static unsafe class FourBitDecode
{
    /// <summary>Floats of a table: sixteen values, and their first, second, third and fourth bytes in sixteen bytes each.</summary>
    public const int TableLength = 32;

    /// <summary>Makes a table of the sixteen values of the codes.</summary>
    public static void FillTable(ReadOnlySpan<float> values, Span<float> table)
    {
        values[..16].CopyTo(table);
        var planes = MemoryMarshal.AsBytes(table[16..TableLength]);
        for (var code = 0; code < 16; code++)
            for (var plane = 0; plane < 4; plane++) planes[16 * plane + code] = (byte)(BitConverter.SingleToUInt32Bits(values[code]) >> (8 * plane));
    }

    /// <summary>Decodes on a path that the processor has.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="packed">Two codes a byte, the first in the high nibble.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="table">The sixteen values of the codes, then their bytes; see <see cref="FillTable"/>.</param>
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

    /// <summary>Decodes whole blocks, one after another.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="weight">The weight.</param>
    /// <param name="block">The first block.</param>
    /// <param name="end">The block after the last; the last must have its full size.</param>
    /// <param name="target">Gets the values.</param>
    public static void Blocks(VectorPath path, in FourBitView weight, long block, long end, float* target)
    {
        var size = weight.BlockSize;
        if (path == VectorPath.Avx2 && size >= 64)
            BlocksWithAvx2(in weight, block, end, target);
        else
            for (; block < end; block++, target += size) Run(path, weight.Packed + block * (size / 2), size, weight.Table, weight.Scale(block), target);
    }

    /// <summary>The plain form of every other path.</summary>
    public static void Scalar(byte* packed, int count, float* table, float scale, float* target)
    {
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
        if (i < count) Scalar(packed + i / 2, count - i, table, scale, target + i);
    }

    private static void WithAvx2(byte* packed, int count, float* table, float scale, float* target)
    {
        var planes = (byte*)(table + 16);
        var (p0, p1, p2, p3) = (Plane(planes), Plane(planes + 16), Plane(planes + 32), Plane(planes + 48));
        var by = Vector256.Create(scale);
        var i = 0;
        for (; i <= count - 64; i += 64) Store64(p0, p1, p2, p3, packed + i / 2, by, target + i);
        for (; i <= count - 32; i += 32)
        {
            var (first, second) = Codes(packed + i / 2);
            // The lower half of the vector leads to values 0 to 15 here, the upper one to values 16 to 31.
            Store(p0, p1, p2, p3, Vector256.Create(first, second), by, target + i, 16);
        }
        if (i < count) Scalar(packed + i / 2, count - i, table, scale, target + i);
    }

    // Whole blocks of 64 values or a multiple: what a panel consists of, without a call for each.
    private static void BlocksWithAvx2(in FourBitView weight, long block, long end, float* target)
    {
        var planes = (byte*)(weight.Table + 16);
        var (p0, p1, p2, p3) = (Plane(planes), Plane(planes + 16), Plane(planes + 32), Plane(planes + 48));
        var size = weight.BlockSize;
        var packed = weight.Packed + block * (size / 2);
        for (; block < end; block++)
        {
            var by = Vector256.Create(weight.Scale(block));
            for (var stop = target + size; target < stop; target += 64, packed += 32) Store64(p0, p1, p2, p3, packed, by, target);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store64(Vector256<byte> p0, Vector256<byte> p1, Vector256<byte> p2, Vector256<byte> p3, byte* packed, Vector256<float> by, float* target)
    {
        var bytes = Vector256.Load(packed);
        var mask = Vector256.Create((byte)15);
        var (high, low) = ((bytes.AsUInt16() >> 4).AsByte() & mask, bytes & mask);
        // Unpacking works within halves of 128 bits: the lower half leads to values 0 to 31, the upper one to values 32 to 63.
        Store(p0, p1, p2, p3, Avx2.UnpackLow(high, low), by, target, 32);
        Store(p0, p1, p2, p3, Avx2.UnpackHigh(high, low), by, target + 16, 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<byte> p0, Vector256<byte> p1, Vector256<byte> p2, Vector256<byte> p3, Vector256<byte> codes, Vector256<float> by, float* target, int upper)
    {
        var (b0, b1, b2, b3) = (Avx2.Shuffle(p0, codes), Avx2.Shuffle(p1, codes), Avx2.Shuffle(p2, codes), Avx2.Shuffle(p3, codes));
        var (low, high) = (Avx2.UnpackLow(b0, b1).AsInt16(), Avx2.UnpackLow(b2, b3).AsInt16());
        StoreHalves(Avx2.UnpackLow(low, high).AsSingle() * by, target, upper);
        StoreHalves(Avx2.UnpackHigh(low, high).AsSingle() * by, target + 4, upper);
        (low, high) = (Avx2.UnpackHigh(b0, b1).AsInt16(), Avx2.UnpackHigh(b2, b3).AsInt16());
        StoreHalves(Avx2.UnpackLow(low, high).AsSingle() * by, target + 8, upper);
        StoreHalves(Avx2.UnpackHigh(low, high).AsSingle() * by, target + 12, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreHalves(Vector256<float> values, float* target, int upper)
    {
        Vector128.Store(values.GetLower(), target);
        Vector128.Store(values.GetUpper(), target + upper);
    }

    private static Vector256<byte> Plane(byte* bytes) => Vector256.Create(Vector128.Load(bytes), Vector128.Load(bytes));

    // 32 codes in order from 16 bytes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<byte> First, Vector128<byte> Second) Codes(byte* packed)
    {
        var bytes = Vector128.Load(packed);
        var mask = Vector128.Create((byte)15);
        var (high, low) = ((bytes.AsUInt16() >> 4).AsByte() & mask, bytes & mask);
        return (Sse2.UnpackLow(high, low), Sse2.UnpackHigh(high, low));
    }

    // No portable interleaving exists; widening and shifting does the same.
    private static void WithVector128(byte* packed, int count, float* table, float scale, float* target)
    {
        var planes = (byte*)(table + 16);
        var (p0, p1, p2, p3) = (Vector128.Load(planes), Vector128.Load(planes + 16), Vector128.Load(planes + 32), Vector128.Load(planes + 48));
        var by = Vector128.Create(scale);
        var mask = Vector128.Create((byte)15);
        var i = 0;
        for (; i <= count - 32; i += 32)
        {
            var bytes = Vector128.Load(packed + i / 2);
            var (high, low) = ((bytes.AsUInt16() >> 4).AsByte() & mask, bytes & mask);
            // Byte pairs in order: the first code of a byte in the lower half of a 16-bit lane.
            Store(p0, p1, p2, p3, (Vector128.WidenLower(high) | Vector128.WidenLower(low) << 8).AsByte(), by, target + i);
            Store(p0, p1, p2, p3, (Vector128.WidenUpper(high) | Vector128.WidenUpper(low) << 8).AsByte(), by, target + i + 16);
        }
        if (i < count) Scalar(packed + i / 2, count - i, table, scale, target + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<byte> p0, Vector128<byte> p1, Vector128<byte> p2, Vector128<byte> p3, Vector128<byte> codes, Vector128<float> by, float* target)
    {
        var (b0, b1, b2, b3) = (Vector128.ShuffleNative(p0, codes), Vector128.ShuffleNative(p1, codes), Vector128.ShuffleNative(p2, codes), Vector128.ShuffleNative(p3, codes));
        Store(Vector128.WidenLower(b0) | Vector128.WidenLower(b1) << 8, Vector128.WidenLower(b2) | Vector128.WidenLower(b3) << 8, by, target);
        Store(Vector128.WidenUpper(b0) | Vector128.WidenUpper(b1) << 8, Vector128.WidenUpper(b2) | Vector128.WidenUpper(b3) << 8, by, target + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<ushort> low, Vector128<ushort> high, Vector128<float> by, float* target)
    {
        Vector128.Store((Vector128.WidenLower(low) | Vector128.WidenLower(high) << 16).AsSingle() * by, target);
        Vector128.Store((Vector128.WidenUpper(low) | Vector128.WidenUpper(high) << 16).AsSingle() * by, target + 4);
    }
}
