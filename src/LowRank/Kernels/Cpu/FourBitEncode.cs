using LowRank.Quantization;

namespace LowRank.Kernels.Cpu;

/// <summary>The codes of one block: the nearest value of the table to <c>x · (1 / absmax)</c>, two codes a byte, the first in the high nibble.</summary>
internal static unsafe class FourBitEncode
{
    /// <summary>The plain form of every other path.</summary>
    /// <param name="x">The block's values.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="inverse">1 / absmax.</param>
    /// <param name="code">The code table.</param>
    /// <param name="packed">Gets <c>(count + 1) / 2</c> bytes.</param>
    public static void Scalar(float* x, int count, float inverse, FourBitCode code, byte* packed)
    {
        var byRank = code.ByRank;
        for (var i = 0; i < count; i += 2)
        {
            var first = byRank[code.Rank(x[i] * inverse)];
            var second = i + 1 < count ? byRank[code.Rank(x[i + 1] * inverse)] : code.Zero;
            packed[i / 2] = (byte)((first << 4) | second);
        }
    }
}
