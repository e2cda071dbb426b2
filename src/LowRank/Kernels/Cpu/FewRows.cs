using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// <c>x · Wᵀ</c> for a few rows <c>x</c>, as generation needs it: two rows of the stored weight at a time are decoded into the first cache and multiplied with
/// every row of <c>x</c>, so that the weight is read once and a decoded value used at once. Sums run in a fixed order, whatever the number of threads.
/// </summary>
internal static unsafe class FewRows
{
    /// <summary>Up to this number of rows this is faster than <see cref="PanelProduct"/>.</summary>
    public const int Most = 8;

    // Decoded elements between two hand-outs of work.
    private const long Grain = 1 << 15;

    /// <summary>Computes <paramref name="y"/> <c>[rows, out]</c> from <paramref name="x"/> <c>[rows, in]</c>, both contiguous.</summary>
    public static void Linear(PanelWeight weight, float* x, long rows, float* y)
    {
        var (outFeatures, depth) = (weight.OutFeatures, checked((int)weight.InFeatures));
        TorchThreads.For(0, (outFeatures + 1) / 2, Math.Max(1, Grain / depth), (from, to) =>
        {
            using var scratch = Scratch.Rent(2L * depth);
            float* w0 = scratch.Floats, w1 = w0 + depth;
            for (var pair = from; pair < to; pair++)
            {
                var o = 2 * pair;
                var two = o + 1 < outFeatures;
                weight.Decode(o, two ? 2 : 1, 0, depth, w0);
                for (long r = 0; r < rows; r++)
                {
                    var (a, b) = Dots(x + r * depth, w0, two ? w1 : w0, depth);
                    y[r * outFeatures + o] = a;
                    if (two) y[r * outFeatures + o + 1] = b;
                }
            }
        });
    }

    private static (float A, float B) Dots(float* x, float* w0, float* w1, int n)
    {
        Vector256<float> a0 = default, a1 = default, b0 = default, b1 = default;
        var i = 0;
        for (; i <= n - 16; i += 16)
        {
            Vector256<float> low = Vector256.Load(x + i), high = Vector256.Load(x + i + 8);
            a0 = Vector256.FusedMultiplyAdd(low, Vector256.Load(w0 + i), a0);
            b0 = Vector256.FusedMultiplyAdd(low, Vector256.Load(w1 + i), b0);
            a1 = Vector256.FusedMultiplyAdd(high, Vector256.Load(w0 + i + 8), a1);
            b1 = Vector256.FusedMultiplyAdd(high, Vector256.Load(w1 + i + 8), b1);
        }
        var (a, b) = (Vector256.Sum(a0 + a1), Vector256.Sum(b0 + b1));
        for (; i < n; i++)
        {
            a += x[i] * w0[i];
            b += x[i] * w1[i];
        }
        return (a, b);
    }
}
