using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LowRank.Formats;

/// <summary>
/// The decoders of <see cref="GgufBlocks"/> with AVX2: 32 codes are brought into bytes, then widened eight at a time. Multiply and add stay two
/// instructions, because a fused one rounds once and gives other bits. Optimized at their first call: a model is loaded once, before code is tiered up.
/// </summary>
internal static unsafe class GgufVectorBlocks
{
    private static Vector128<byte> Nibble => Vector128.Create((byte)0xF);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q8_0(byte* block, float* y)
    {
        var d = Vector256.Create(GgufBlocks.Half(block));
        for (var j = 0; j < 32; j += 8) (Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32((sbyte*)block + 2 + j)) * d).Store(y + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_0(byte* block, float* y)
    {
        var d = Vector256.Create(GgufBlocks.Half(block));
        var q = Vector128.Load(block + 2);
        var offset = Vector256.Create(8);
        Scaled(q & Nibble, d, offset, y);
        Scaled((q >>> 4) & Nibble, d, offset, y + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_1(byte* block, float* y)
    {
        Vector256<float> d = Vector256.Create(GgufBlocks.Half(block)), m = Vector256.Create(GgufBlocks.Half(block + 2));
        var q = Vector128.Load(block + 4);
        Shifted(q & Nibble, d, m, y);
        Shifted((q >>> 4) & Nibble, d, m, y + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_0(byte* block, float* y)
    {
        var d = Vector256.Create(GgufBlocks.Half(block));
        var q = Vector128.Load(block + 6);
        var high = GgufBlocks.Bits(block + 2);
        var offset = Vector256.Create(16);
        Scaled(q & Nibble | FifthBits(high), d, offset, y);
        Scaled((q >>> 4) & Nibble | FifthBits(high >> 16), d, offset, y + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_1(byte* block, float* y)
    {
        Vector256<float> d = Vector256.Create(GgufBlocks.Half(block)), m = Vector256.Create(GgufBlocks.Half(block + 2));
        var q = Vector128.Load(block + 8);
        var high = GgufBlocks.Bits(block + 4);
        Shifted(q & Nibble | FifthBits(high), d, m, y);
        Shifted((q >>> 4) & Nibble | FifthBits(high >> 16), d, m, y + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_K(byte* block, float* y)
    {
        float d = GgufBlocks.Half(block), dmin = GgufBlocks.Half(block + 2);
        for (var group = 0; group < 8; group++)
        {
            var (scale, minimum) = GgufBlocks.ScaleAndMinimum(block + 4, group);
            Vector256<float> ds = Vector256.Create(d * scale), dm = Vector256.Create(-(dmin * minimum));
            for (var j = 0; j < 32; j += 16)
            {
                var q = Vector128.Load(block + 16 + group / 2 * 32 + j);
                Shifted((group % 2 == 0 ? q : q >>> 4) & Nibble, ds, dm, y + group * 32 + j);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q5_K(byte* block, float* y)
    {
        float d = GgufBlocks.Half(block), dmin = GgufBlocks.Half(block + 2);
        for (var group = 0; group < 8; group++)
        {
            var (scale, minimum) = GgufBlocks.ScaleAndMinimum(block + 4, group);
            Vector256<float> ds = Vector256.Create(d * scale), dm = Vector256.Create(-(dmin * minimum));
            var bit = Vector128.Create((byte)(1 << group));
            for (var j = 0; j < 32; j += 16)
            {
                var q = Vector128.Load(block + 48 + group / 2 * 32 + j);
                var fifth = Vector128.Equals(Vector128.Load(block + 16 + j) & bit, bit) & Vector128.Create((byte)16);
                Shifted((group % 2 == 0 ? q : q >>> 4) & Nibble | fifth, ds, dm, y + group * 32 + j);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q6_K(byte* block, float* y)
    {
        var d = GgufBlocks.Half(block + 208);
        var offset = Vector256.Create(32);
        var pair = Vector128.Create((byte)0x30);
        for (var run = 0; run < 8; run++)
        {
            int half = run / 4, part = run % 4;
            for (var j = 0; j < 32; j += 16)
            {
                var low = Vector128.Load(block + half * 64 + part % 2 * 32 + j);
                var high = Vector128.Load(block + 128 + half * 32 + j);
                // Bits 2*part and 2*part+1 of the high byte become bits 4 and 5. Shifts go over 16 bits; the mask drops what crosses.
                var top = (part switch
                {
                    0 => (high.AsUInt16() << 4).AsByte(),
                    1 => (high.AsUInt16() << 2).AsByte(),
                    2 => high,
                    _ => (high.AsUInt16() >>> 2).AsByte(),
                }) & pair;
                var scale = Vector256.Create(d * (sbyte)block[192 + run * 2 + j / 16]);
                Scaled((part < 2 ? low : low >>> 4) & Nibble | top, scale, offset, y + run * 32 + j);
            }
        }
    }

    /// <summary>y = d * (q - offset) for 16 codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scaled(Vector128<byte> q, Vector256<float> d, Vector256<int> offset, float* y)
    {
        (Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(q) - offset) * d).Store(y);
        (Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(Vector128.Shuffle(q, Upper)) - offset) * d).Store(y + 8);
    }

    /// <summary>y = d * q + m for 16 codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Shifted(Vector128<byte> q, Vector256<float> d, Vector256<float> m, float* y)
    {
        Avx.Add(Avx.Multiply(Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(q)), d), m).Store(y);
        Avx.Add(Avx.Multiply(Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(Vector128.Shuffle(q, Upper))), d), m).Store(y + 8);
    }

    private static Vector128<byte> Upper => Vector128.Create((byte)8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
    private static Vector128<byte> BitOf => Vector128.Create((byte)1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128);
    private static Vector128<byte> ByteOf => Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);

    /// <summary>16 where bit j of <paramref name="bits"/> is set, else 0, in byte j.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> FifthBits(uint bits)
    {
        var spread = Vector128.Shuffle(Vector128.Create(bits).AsByte(), ByteOf);
        return Vector128.Equals(spread & BitOf, BitOf) & Vector128.Create((byte)16);
    }
}
