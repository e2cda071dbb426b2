using System.Numerics;
using System.Runtime.InteropServices;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// Single passes over flat fp32 buffers. Work is cut into chunks of fixed size, so that results do not depend on the number of threads: element-wise
/// work by nature, the norm because each chunk's sum is fp64 and the sums are added in order.
/// </summary>
internal static class FlatKernels
{
    private const int Chunk = 1 << 16;

    /// <summary>One AdamW step; see <see cref="Optimizers.AdamW"/> for the symbols.</summary>
    public static unsafe void AdamW(Span<float> values, Span<float> gradients, Span<float> first, Span<float> second,
        float keep, float oneMinusBeta1, float beta2, float oneMinusBeta2, float rootCorrection, float epsilon, float stepSize)
    {
        fixed (float* v = values, g = gradients, m = first, s = second)
        {
            float* pv = v, pg = g, pm = m, ps = s;
            ForChunks(values.Length, (start, count) =>
            {
                int i = start, end = start + count, lanes = Vector<float>.Count;
                var vKeep = new Vector<float>(keep);
                var vB1 = new Vector<float>(oneMinusBeta1);
                var (vBeta2, vB2) = (new Vector<float>(beta2), new Vector<float>(oneMinusBeta2));
                var (vRoot, vEpsilon, vStep) = (new Vector<float>(rootCorrection), new Vector<float>(epsilon), new Vector<float>(stepSize));
                for (; i <= end - lanes; i += lanes)
                {
                    var grad = Vector.Load(pg + i);
                    var mean = Vector.Load(pm + i);
                    mean += vB1 * (grad - mean);
                    var square = Vector.Load(ps + i) * vBeta2 + vB2 * grad * grad;
                    Vector.Store(mean, pm + i);
                    Vector.Store(square, ps + i);
                    Vector.Store(Vector.Load(pv + i) * vKeep - vStep * mean / (Vector.SquareRoot(square) / vRoot + vEpsilon), pv + i);
                }
                for (; i < end; i++)
                {
                    pm[i] += oneMinusBeta1 * (pg[i] - pm[i]);
                    ps[i] = ps[i] * beta2 + oneMinusBeta2 * pg[i] * pg[i];
                    pv[i] = pv[i] * keep - stepSize * pm[i] / (MathF.Sqrt(ps[i]) / rootCorrection + epsilon);
                }
            });
        }
    }

    /// <summary>The Euclidean norm, summed in fp64.</summary>
    public static unsafe double Norm(ReadOnlySpan<float> x)
    {
        var sums = new double[(x.Length + Chunk - 1) / Chunk];
        fixed (float* p = x)
        {
            var px = p;
            ForChunks(x.Length, (start, count) =>
            {
                var (lanes, i, end) = (Vector<float>.Count, start, start + count);
                Vector<double> low = default, high = default;
                for (; i <= end - lanes; i += lanes)
                {
                    Vector.Widen(Vector.Load(px + i), out var a, out var b);
                    low += a * a;
                    high += b * b;
                }
                var sum = Vector.Sum(low + high);
                for (; i < end; i++) sum += (double)px[i] * px[i];
                sums[start / Chunk] = sum;
            });
        }
        return Math.Sqrt(sums.Sum());
    }

    private static void ForChunks(int length, Action<int, int> work)
    {
        var chunks = (length + Chunk - 1) / Chunk;
        if (chunks <= 1)
        {
            work(0, length);
            return;
        }
        Parallel.For(0, chunks, c => work(c * Chunk, Math.Min(Chunk, length - c * Chunk)));
    }
}
