using System.Runtime.Intrinsics;
using LowRank.Kernels.Cpu.Decoding;

namespace LowRank.Kernels.Cpu;

/// <summary>A stored weight matrix that gives pieces of its rows in fp32. Any thread may ask at the same time.</summary>
internal abstract unsafe class PanelWeight(long outFeatures, long inFeatures)
{
    /// <summary>Rows of the matrix.</summary>
    public long OutFeatures { get; } = outFeatures;

    /// <summary>Columns of the matrix.</summary>
    public long InFeatures { get; } = inFeatures;

    /// <summary>Columns <paramref name="column"/> to <c>column + columns</c> of some rows, one after another: <c>[rows, columns]</c>.</summary>
    public abstract void Decode(long row, int rows, long column, int columns, float* target);

    /// <summary>The order in which <see cref="Multiply"/> reads its input.</summary>
    public virtual InputOrder Order => InputOrder.Plain;

    /// <summary>Puts values into an order.</summary>
    /// <param name="order">Not the plain one.</param>
    /// <param name="x">Whole rows.</param>
    /// <param name="count">How many values.</param>
    /// <param name="target">Gets them.</param>
    public static void Arrange(InputOrder order, float* x, long count, float* target)
    {
        if (order == InputOrder.EvenOdd) BFloat16Gemv.Deal(x, count, target);
        else FourBitGemv.Arrange(x, count, target);
    }

    /// <summary>
    /// <c>x · Wᵀ</c> of a few rows, a slice of the outputs, on the calling thread. A value does not depend on where slices begin.
    /// </summary>
    /// <param name="x"><c>[rows, in]</c>.</param>
    /// <param name="arranged">The same in the <see cref="Order"/> of this weight; not read where that is the plain one.</param>
    /// <param name="rows">Rows, as few as <see cref="FewRows.Most"/>.</param>
    /// <param name="start">The first output.</param>
    /// <param name="end">The one after the last.</param>
    /// <param name="y">Gets the outputs, <c>[rows, out]</c>.</param>
    public virtual void Multiply(float* x, float* arranged, int rows, long start, long end, float* y)
    {
        // Two rows of the weight at a time are decoded into the first cache and multiplied with every row of x at once.
        var depth = checked((int)InFeatures);
        using var scratch = Scratch.Rent(2L * depth);
        float* w0 = scratch.Floats, w1 = w0 + depth;
        for (var o = start; o < end; o += 2)
        {
            var two = o + 1 < end;
            Decode(o, two ? 2 : 1, 0, depth, w0);
            for (var r = 0; r < rows; r++)
            {
                var (a, b) = Dots(x + (long)r * depth, w0, two ? w1 : w0, depth);
                y[r * OutFeatures + o] = a;
                if (two) y[r * OutFeatures + o + 1] = b;
            }
        }
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
