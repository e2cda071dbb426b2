namespace LowRank.Kernels.Cpu;

/// <summary>The values of one block: <c>table[code] · scale</c> in fp32. All sixteen products are formed first, so that a value is one look-up.</summary>
internal static unsafe class FourBitDecode
{
    /// <summary>The plain form of every other path.</summary>
    /// <param name="packed">Two codes a byte, the first in the high nibble.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="table">The sixteen values of the codes.</param>
    /// <param name="scale">The block's scale.</param>
    /// <param name="target">Gets the values.</param>
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
}
