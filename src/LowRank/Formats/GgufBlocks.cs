using System.Runtime.Intrinsics.X86;

namespace LowRank.Formats;

/// <summary>
/// Decodes one block of each GGUF block type, plainly. The layouts are those of llama.cpp (<c>ggml-common.h</c>); multiplications and additions
/// are rounded one by one, as NumPy does in gguf-py. <see cref="GgufVectorBlocks"/> does the same with AVX2.
/// </summary>
internal static unsafe class GgufBlocks
{
    public static bool IsVectorised => Avx2.IsSupported;

    public static delegate*<byte*, float*, void> VectorOf(TensorType type) => type switch
    {
        TensorType.Q4_0 => &GgufVectorBlocks.Q4_0,
        TensorType.Q4_1 => &GgufVectorBlocks.Q4_1,
        TensorType.Q5_0 => &GgufVectorBlocks.Q5_0,
        TensorType.Q5_1 => &GgufVectorBlocks.Q5_1,
        TensorType.Q8_0 => &GgufVectorBlocks.Q8_0,
        TensorType.Q4_K => &GgufVectorBlocks.Q4_K,
        TensorType.Q5_K => &GgufVectorBlocks.Q5_K,
        _ => &GgufVectorBlocks.Q6_K,
    };

    public static delegate*<byte*, float*, void> PlainOf(TensorType type) => type switch
    {
        TensorType.Q4_0 => &Q4_0,
        TensorType.Q4_1 => &Q4_1,
        TensorType.Q5_0 => &Q5_0,
        TensorType.Q5_1 => &Q5_1,
        TensorType.Q8_0 => &Q8_0,
        TensorType.Q4_K => &Q4_K,
        TensorType.Q5_K => &Q5_K,
        _ => &Q6_K,
    };

    public static float Half(byte* at) => FloatConversion.HalfToSingle((ushort)(at[0] | at[1] << 8));

    public static uint Bits(byte* at) => at[0] | (uint)at[1] << 8 | (uint)at[2] << 16 | (uint)at[3] << 24;

    /// <summary>Scale and minimum of group <paramref name="j"/> (0 to 7), 6 bits each, from the 12 bytes that Q4_K and Q5_K share.</summary>
    public static (int Scale, int Minimum) ScaleAndMinimum(byte* s, int j) => j < 4 ? (s[j] & 63, s[j + 4] & 63)
        : (s[j + 4] & 0xF | s[j - 4] >> 6 << 4, s[j + 4] >> 4 | s[j] >> 6 << 4);

    private static void Q8_0(byte* block, float* y)
    {
        var d = Half(block);
        for (var j = 0; j < 32; j++) y[j] = (sbyte)block[2 + j] * d;
    }

    private static void Q4_0(byte* block, float* y)
    {
        var d = Half(block);
        for (var j = 0; j < 16; j++)
        {
            y[j] = d * ((block[2 + j] & 0xF) - 8);
            y[j + 16] = d * ((block[2 + j] >> 4) - 8);
        }
    }

    private static void Q4_1(byte* block, float* y)
    {
        float d = Half(block), m = Half(block + 2);
        for (var j = 0; j < 16; j++)
        {
            y[j] = d * (block[4 + j] & 0xF) + m;
            y[j + 16] = d * (block[4 + j] >> 4) + m;
        }
    }

    private static void Q5_0(byte* block, float* y)
    {
        var d = Half(block);
        var high = Bits(block + 2);
        for (var j = 0; j < 16; j++)
        {
            y[j] = d * ((block[6 + j] & 0xF | (int)(high >> j & 1) << 4) - 16);
            y[j + 16] = d * ((block[6 + j] >> 4 | (int)(high >> (j + 16) & 1) << 4) - 16);
        }
    }

    private static void Q5_1(byte* block, float* y)
    {
        float d = Half(block), m = Half(block + 2);
        var high = Bits(block + 4);
        for (var j = 0; j < 16; j++)
        {
            y[j] = d * (block[8 + j] & 0xF | (int)(high >> j & 1) << 4) + m;
            y[j + 16] = d * (block[8 + j] >> 4 | (int)(high >> (j + 16) & 1) << 4) + m;
        }
    }

    // Bytes: d, dmin (half each), 12 of scales, 128 of nibbles. 64 values share 32 bytes: low nibbles first.
    private static void Q4_K(byte* block, float* y)
    {
        float d = Half(block), dmin = Half(block + 2);
        for (var group = 0; group < 8; group++)
        {
            var (scale, minimum) = ScaleAndMinimum(block + 4, group);
            float ds = d * scale, dm = dmin * minimum;
            var q = block + 16 + group / 2 * 32;
            for (var j = 0; j < 32; j++) y[group * 32 + j] = ds * (q[j] >> group % 2 * 4 & 0xF) - dm;
        }
    }

    // As Q4_K with 32 bytes of fifth bits before the nibbles: bit g of byte j belongs to value j of group g.
    private static void Q5_K(byte* block, float* y)
    {
        float d = Half(block), dmin = Half(block + 2);
        for (var group = 0; group < 8; group++)
        {
            var (scale, minimum) = ScaleAndMinimum(block + 4, group);
            float ds = d * scale, dm = dmin * minimum;
            var high = block + 16;
            var q = block + 48 + group / 2 * 32;
            for (var j = 0; j < 32; j++) y[group * 32 + j] = ds * (q[j] >> group % 2 * 4 & 0xF | (high[j] >> group & 1) << 4) - dm;
        }
    }

    // Bytes: 128 of low nibbles, 64 of high pairs, 16 signed scales, d. Each half of 128 values has four runs of 32.
    private static void Q6_K(byte* block, float* y)
    {
        var d = Half(block + 208);
        for (var run = 0; run < 8; run++)
        {
            int half = run / 4, part = run % 4;
            var low = block + half * 64 + part % 2 * 32;
            var high = block + 128 + half * 32;
            var scales = (sbyte*)(block + 192 + run * 2);
            for (var j = 0; j < 32; j++)
            {
                var q = (low[j] >> part / 2 * 4 & 0xF | (high[j] >> part * 2 & 3) << 4) - 32;
                y[run * 32 + j] = d * scales[j / 16] * q;
            }
        }
    }
}
