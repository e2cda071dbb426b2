using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>
/// The innermost product: 6 rows by 16 columns of the result in twelve vectors of eight, with two for the right operand and one for a broadcast value of the left one; that
/// is all of AVX2's sixteen registers but one (the shape of BLIS's kernel for Haswell and Zen, arXiv and source: Van Zee and van de Geijn, 2015).
/// A value of the result is one chain of fused multiply-adds in the order of the depth, whatever the sizes.
/// </summary>
internal static unsafe class GemmTile
{
    /// <summary>Rows of a tile, and of a strip of the packed left operand.</summary>
    public const int Rows = 6;

    /// <summary>Columns of a tile, and of a strip of the packed right operand.</summary>
    public const int Columns = 16;

    /// <summary>Whether the processor has the instructions.</summary>
    public static bool IsSupported => Fma.IsSupported && Avx2.IsSupported;

    /// <summary>Writes or adds the tile's valid part.</summary>
    /// <param name="depth">Length of the sums.</param>
    /// <param name="left">Strip of the left operand, <c>[depth, 6]</c>.</param>
    /// <param name="right">Strip of the right operand, <c>[depth, 16]</c>.</param>
    /// <param name="target">The tile's first value.</param>
    /// <param name="row">Elements from a row of the result to the next.</param>
    /// <param name="rows">Valid rows, 1 to 6.</param>
    /// <param name="columns">Valid columns, 1 to 16.</param>
    /// <param name="add">Whether to add to what is there.</param>
    public static void Run(long depth, float* left, float* right, float* target, long row, int rows, int columns, bool add)
    {
        if (rows == Rows && columns == Columns)
        {
            Whole(depth, left, right, target, row, add);
            return;
        }
        var whole = stackalloc float[Rows * Columns];
        Whole(depth, left, right, whole, Columns, add: false);
        for (var r = 0; r < rows; r++)
        {
            float* from = whole + r * Columns, to = target + r * row;
            for (var c = 0; c < columns; c++) to[c] = add ? to[c] + from[c] : from[c];
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Whole(long depth, float* left, float* right, float* target, long row, bool add)
    {
        Vector256<float> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default, e0 = default, e1 = default, f0 = default, f1 = default;
        for (; depth > 0; depth--, left += Rows, right += Columns)
        {
            var w0 = Vector256.Load(right);
            var w1 = Vector256.Load(right + 8);
            var x = Avx.BroadcastScalarToVector256(left);
            a0 = Fma.MultiplyAdd(x, w0, a0);
            a1 = Fma.MultiplyAdd(x, w1, a1);
            x = Avx.BroadcastScalarToVector256(left + 1);
            b0 = Fma.MultiplyAdd(x, w0, b0);
            b1 = Fma.MultiplyAdd(x, w1, b1);
            x = Avx.BroadcastScalarToVector256(left + 2);
            c0 = Fma.MultiplyAdd(x, w0, c0);
            c1 = Fma.MultiplyAdd(x, w1, c1);
            x = Avx.BroadcastScalarToVector256(left + 3);
            d0 = Fma.MultiplyAdd(x, w0, d0);
            d1 = Fma.MultiplyAdd(x, w1, d1);
            x = Avx.BroadcastScalarToVector256(left + 4);
            e0 = Fma.MultiplyAdd(x, w0, e0);
            e1 = Fma.MultiplyAdd(x, w1, e1);
            x = Avx.BroadcastScalarToVector256(left + 5);
            f0 = Fma.MultiplyAdd(x, w0, f0);
            f1 = Fma.MultiplyAdd(x, w1, f1);
        }
        Write(target, a0, a1, add);
        Write(target + row, b0, b1, add);
        Write(target + 2 * row, c0, c1, add);
        Write(target + 3 * row, d0, d1, add);
        Write(target + 4 * row, e0, e1, add);
        Write(target + 5 * row, f0, f1, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(float* target, Vector256<float> low, Vector256<float> high, bool add)
    {
        if (add)
        {
            low += Vector256.Load(target);
            high += Vector256.Load(target + 8);
        }
        low.Store(target);
        high.Store(target + 8);
    }
}
