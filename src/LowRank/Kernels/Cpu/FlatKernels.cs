using System.Numerics;
using System.Runtime.InteropServices;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// Single passes over flat fp32 buffers. Work is cut into chunks of fixed size, so that results do not depend on the number of threads: element-wise
/// work by nature, the norm because each chunk's sum is fp64 and the sums are added in order.
/// </summary>
internal static class FlatKernels
{
    private const int Chunk = 1 << 16;

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

    /// <summary>Multiplies all values.</summary>
    public static unsafe void Multiply(Span<float> x, float by)
    {
        fixed (float* p = x)
        {
            var px = p;
            ForChunks(x.Length, (start, count) =>
            {
                var (i, end) = (start, start + count);
                for (; i <= end - Vector<float>.Count; i += Vector<float>.Count) Vector.Store(Vector.Load(px + i) * by, px + i);
                for (; i < end; i++) px[i] *= by;
            });
        }
    }

    private static void ForChunks(int length, Action<int, int> work)
    {
        var chunks = (length + Chunk - 1) / Chunk;
        if (chunks <= 1)
        {
            work(0, length);
            return;
        }
        TorchThreads.For(0, chunks, 1, (from, to) =>
        {
            for (var c = (int)from; c < to; c++) work(c * Chunk, Math.Min(Chunk, length - c * Chunk));
        });
    }
}
