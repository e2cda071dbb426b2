namespace LowRank.Formats;

/// <summary>
/// Encodes one block of the GGUF types whose scale follows from the largest value, with the formulas, the order of roundings and the bytes of gguf-py 0.19
/// (<c>gguf/quants.py</c>); of two zeros of different sign the first counts, as in llama.cpp. <see cref="GgufBlocks"/> decodes them.
/// </summary>
internal static unsafe class GgufRoundedBlocks
{
    public static void Q8_0(float* x, byte* block)
    {
        var largest = 0f;
        for (var j = 0; j < 32; j++) largest = Math.Max(largest, Math.Abs(x[j]));
        var d = largest / 127;
        var inverse = d == 0 ? 0 : 1 / d;
        Half(d, block);
        for (var j = 0; j < 32; j++)
        {
            // Halves away from zero.
            var v = x[j] * inverse;
            var whole = MathF.Floor(Math.Abs(v));
            whole += MathF.Floor(2 * (Math.Abs(v) - whole));
            block[2 + j] = (byte)(sbyte)(v < 0 ? -whole : whole);
        }
    }

    public static void Q4_0(float* x, byte* block)
    {
        var q = stackalloc byte[32];
        Half(Symmetric(x, 8, q), block);
        for (var j = 0; j < 16; j++) block[2 + j] = (byte)(q[j] | q[j + 16] << 4);
    }

    public static void Q5_0(float* x, byte* block)
    {
        var q = stackalloc byte[32];
        Half(Symmetric(x, 16, q), block);
        FifthBits(q, block + 2);
    }

    public static void Q5_1(float* x, byte* block)
    {
        float low = x[0], high = x[0];
        for (var j = 1; j < 32; j++)
        {
            if (x[j] < low) low = x[j];
            if (x[j] > high) high = x[j];
        }
        var d = (high - low) / 31;
        var inverse = d == 0 ? 0 : 1 / d;
        Half(d, block);
        Half(low, block + 2);
        var q = stackalloc byte[32];
        for (var j = 0; j < 32; j++) q[j] = (byte)Math.Clamp((int)((x[j] - low) * inverse + 0.5f), 0, 31);
        FifthBits(q, block + 4);
    }

    // The value of largest magnitude becomes the lowest level, which the levels above zero lack. Product and sum are each rounded to single precision: no fused multiply-add.
    private static float Symmetric(float* x, int levels, byte* q)
    {
        var largest = x[0];
        for (var j = 1; j < 32; j++)
            if (Math.Abs(x[j]) > Math.Abs(largest)) largest = x[j];
        var d = largest / -levels;
        var inverse = d == 0 ? 0 : 1 / d;
        for (var j = 0; j < 32; j++) q[j] = (byte)Math.Clamp((int)(x[j] * inverse + (levels + 0.5f)), 0, 2 * levels - 1);
        return d;
    }

    // Four bytes of fifth bits, then the low four bits as in Q4_0.
    private static void FifthBits(byte* q, byte* to)
    {
        uint high = 0;
        for (var j = 0; j < 32; j++) high |= (uint)(q[j] >> 4) << j;
        for (var i = 0; i < 4; i++) to[i] = (byte)(high >> 8 * i);
        for (var j = 0; j < 16; j++) to[4 + j] = (byte)(q[j] & 0xF | (q[j + 16] & 0xF) << 4);
    }

    /// <summary>Stores a number in half precision and returns what was stored.</summary>
    public static float Half(float value, byte* to)
    {
        var bits = FloatConversion.SingleToHalf(value);
        (to[0], to[1]) = ((byte)bits, (byte)(bits >> 8));
        return FloatConversion.HalfToSingle(bits);
    }
}
