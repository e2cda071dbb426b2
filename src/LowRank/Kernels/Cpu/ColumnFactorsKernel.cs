using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>Columns of fp32 rows times factors, rows shared among threads. The plain twin is a product of tensors.</summary>
internal static unsafe class ColumnFactorsKernel
{
    // Elements worth a thread.
    private const long Grain = 1 << 14;

    // Sums over rows are cut into this many parts whatever the number of threads, so that results do not depend on it.
    private const int Parts = 32;

    /// <summary><c>y = f ⊙ x + b</c>.</summary>
    /// <param name="x"><c>[rows, n]</c>.</param>
    /// <param name="f"><c>[n]</c>.</param>
    /// <param name="b"><c>[n]</c>, or null.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="n">Columns.</param>
    /// <param name="y">Gets the result; may be <paramref name="x"/>.</param>
    public static void Forward(float* x, float* f, float* b, long rows, int n, float* y)
    {
        TorchThreads.For(0, rows, Math.Max(1, Grain / n), (from, to) =>
        {
            for (var row = from; row < to; row++)
            {
                float* px = x + row * n, py = y + row * n;
                var i = 0;
                if (b is null)
                {
                    for (; i <= n - 8; i += 8) (Vector256.Load(px + i) * Vector256.Load(f + i)).Store(py + i);
                    for (; i < n; i++) py[i] = px[i] * f[i];
                    continue;
                }
                // Without fused steps: the same values as with them switched off.
                for (; i <= n - 8; i += 8) (Vector256.Load(px + i) * Vector256.Load(f + i) + Vector256.Load(b + i)).Store(py + i);
                for (; i < n; i++) py[i] = px[i] * f[i] + b[i];
            }
        });
    }

    /// <summary>The gradient of the factors: <c>df = Σ g ⊙ x</c> over the rows.</summary>
    public static void FactorGradient(float* g, float* x, long rows, int n, float* df)
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
                    var i = 0;
                    for (; i <= n - 8; i += 8) (Vector256.Load(sum + i) + Vector256.Load(pg + i) * Vector256.Load(px + i)).Store(sum + i);
                    for (; i < n; i++) sum[i] += pg[i] * px[i];
                }
            }
        });
        for (var i = 0; i < n; i++)
        {
            var sum = 0f;
            for (var part = 0; part < Parts; part++) sum += sums[(long)part * n + i];
            df[i] = sum;
        }
    }
}
