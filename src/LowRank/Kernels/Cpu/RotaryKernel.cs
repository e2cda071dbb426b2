using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// Rotary position embedding of fp32 heads in place (arXiv:2104.09864, the half-split layout of Hugging Face's models). Products and sums are rounded one by
/// one, as tensor operations round them.
/// </summary>
internal static unsafe class RotaryKernel
{
    private const long Grain = 1 << 14;

    /// <summary>Rotates the first <c>2 · half</c> values of each head.</summary>
    /// <param name="x"><c>[tokens, heads, headSize]</c>.</param>
    /// <param name="cosine"><c>[tokens, half]</c>.</param>
    /// <param name="sine"><c>[tokens, half]</c>.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="heads">Heads.</param>
    /// <param name="headSize">Values of a head.</param>
    /// <param name="half">Angles of a head.</param>
    /// <param name="back">Whether to rotate the other way: what a gradient needs.</param>
    public static void Rotate(float* x, float* cosine, float* sine, long tokens, int heads, int headSize, int half, bool back)
    {
        var sign = back ? -1f : 1f;
        TorchThreads.For(0, tokens, Math.Max(1, Grain / (heads * headSize)), (from, to) =>
        {
            for (var token = from; token < to; token++)
            {
                float* c = cosine + token * half, s = sine + token * half;
                for (var head = 0; head < heads; head++) Head(x + (token * heads + head) * headSize, c, s, half, sign);
            }
        });
    }

    /// <summary>Rotates one head of one token.</summary>
    /// <param name="first">Its values.</param>
    /// <param name="c">Cosines, <c>[half]</c>.</param>
    /// <param name="s">Sines, <c>[half]</c>.</param>
    /// <param name="half">Angles.</param>
    /// <param name="sign">1, or -1 for the other way.</param>
    public static void Head(float* first, float* c, float* s, int half, float sign = 1)
    {
        var second = first + half;
        var i = 0;
        for (; i <= half - 8; i += 8)
        {
            var (a, b) = (Vector256.Load(first + i), Vector256.Load(second + i));
            var (cos, sin) = (Vector256.Load(c + i), Vector256.Load(s + i) * sign);
            (a * cos - b * sin).Store(first + i);
            (b * cos + a * sin).Store(second + i);
        }
        for (; i < half; i++)
        {
            var (a, b, sin) = (first[i], second[i], s[i] * sign);
            first[i] = a * c[i] - b * sin;
            second[i] = b * c[i] + a * sin;
        }
    }
}
