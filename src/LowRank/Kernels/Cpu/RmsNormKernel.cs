using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// Root-mean-square normalisation of fp32 rows (arXiv:1910.07467): <c>y = x · r · w</c> with <c>r = 1 / sqrt(mean(x²) + ε)</c>, one pass forward and one
/// backward, rows shared among threads. The plain twin is <see cref="Layers.RmsNorm"/>'s composition of tensor operations.
/// </summary>
internal static unsafe class RmsNormKernel
{
    // Elements worth a thread.
    private const long Grain = 1 << 14;

    // Sums over rows are cut into this many parts whatever the number of threads, so that results do not depend on it.
    private const int Parts = 32;

    /// <summary>Computes <paramref name="y"/> <c>[rows, n]</c> and <paramref name="r"/> <c>[rows]</c>.</summary>
    public static void Forward(float* x, float* w, double epsilon, long rows, int n, float* y, float* r)
    {
        TorchThreads.For(0, rows, Math.Max(1, Grain / n), (from, to) =>
        {
            for (var row = from; row < to; row++) r[row] = Row(x + row * n, w, epsilon, n, y + row * n);
        });
    }

    /// <summary>Normalises one row and returns its factor; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static float Row(float* x, float* w, double epsilon, int n, float* y)
    {
        var factor = (float)(1 / Math.Sqrt(Dot(x, x, n) / n + epsilon));
        var by = Vector256.Create(factor);
        var i = 0;
        for (; i <= n - 8; i += 8) (Vector256.Load(x + i) * by * Vector256.Load(w + i)).Store(y + i);
        for (; i < n; i++) y[i] = x[i] * factor * w[i];
        return factor;
    }

    /// <summary><c>dx = r · (g · w) - x · r³ · mean(g · w · x)</c>.</summary>
    /// <param name="g">The gradient of the result, <c>[rows, n]</c>.</param>
    /// <param name="x">The input of <see cref="Forward"/>.</param>
    /// <param name="w">Its weight, <c>[n]</c>.</param>
    /// <param name="r">What it gave, <c>[rows]</c>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="n">Features.</param>
    /// <param name="dx">Gets the gradient of the input, <c>[rows, n]</c>.</param>
    public static void Backward(float* g, float* x, float* w, float* r, long rows, int n, float* dx)
    {
        TorchThreads.For(0, rows, Math.Max(1, Grain / n), (from, to) =>
        {
            for (var row = from; row < to; row++)
            {
                float* pg = g + row * n, px = x + row * n, pd = dx + row * n;
                Vector256<float> low = default, high = default;
                var i = 0;
                for (; i <= n - 16; i += 16)
                {
                    low = Vector256.FusedMultiplyAdd(Vector256.Load(pg + i) * Vector256.Load(w + i), Vector256.Load(px + i), low);
                    high = Vector256.FusedMultiplyAdd(Vector256.Load(pg + i + 8) * Vector256.Load(w + i + 8), Vector256.Load(px + i + 8), high);
                }
                var sum = Vector256.Sum(low + high);
                for (; i < n; i++) sum += pg[i] * w[i] * px[i];

                var factor = r[row];
                var shrink = factor * factor * factor * sum / n;
                var (by, less) = (Vector256.Create(factor), Vector256.Create(-shrink));
                for (i = 0; i <= n - 8; i += 8)
                    Vector256.FusedMultiplyAdd(Vector256.Load(px + i), less, Vector256.Load(pg + i) * Vector256.Load(w + i) * by).Store(pd + i);
                for (; i < n; i++) pd[i] = pg[i] * w[i] * factor - px[i] * shrink;
            }
        });
    }

    /// <summary>The gradient of the weight: <c>dw = Σ g · x · r</c> over the rows.</summary>
    public static void WeightGradient(float* g, float* x, float* r, long rows, int n, float* dw)
    {
        using var scratch = Scratch.Rent((long)Parts * n);
        var sums = scratch.Floats;
        TorchThreads.For(0, Parts, 1, (from, to) =>
        {
            for (var part = from; part < to; part++)
            {
                var sum = sums + part * n;
                new Span<float>(sum, n).Clear();
                for (var row = rows * part / Parts; row < rows * (part + 1) / Parts; row++)
                {
                    float* pg = g + row * n, px = x + row * n;
                    var factor = r[row];
                    for (var i = 0; i < n; i++) sum[i] += pg[i] * (px[i] * factor);
                }
            }
        });
        for (var i = 0; i < n; i++)
        {
            var sum = 0f;
            for (var part = 0; part < Parts; part++) sum += sums[(long)part * n + i];
            dw[i] = sum;
        }
    }

    private static double Dot(float* a, float* b, int n)
    {
        Vector256<float> low = default, high = default;
        var i = 0;
        for (; i <= n - 16; i += 16)
        {
            low = Vector256.FusedMultiplyAdd(Vector256.Load(a + i), Vector256.Load(b + i), low);
            high = Vector256.FusedMultiplyAdd(Vector256.Load(a + i + 8), Vector256.Load(b + i + 8), high);
        }
        double sum = Vector256.Sum(low + high);
        for (; i < n; i++) sum += (double)a[i] * b[i];
        return sum;
    }
}
