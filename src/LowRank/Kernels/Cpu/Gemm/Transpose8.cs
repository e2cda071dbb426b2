using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>Turns 8 rows of 8 floats into 8 columns, in registers.</summary>
internal static unsafe class Transpose8
{
    /// <summary>Reads 8 floats at each of <paramref name="source"/> + i · <paramref name="row"/> for i below <paramref name="rows"/> (zeros for the rest) and writes column k at <paramref name="target"/> + k · <paramref name="targetRow"/>, 8 floats each, k rising.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(float* source, long row, int rows, float* target, long targetRow, Vector256<float> scale)
    {
        var zero = Vector256<float>.Zero;
        var r0 = Vector256.Load(source);
        var r1 = rows > 1 ? Vector256.Load(source + row) : zero;
        var r2 = rows > 2 ? Vector256.Load(source + 2 * row) : zero;
        var r3 = rows > 3 ? Vector256.Load(source + 3 * row) : zero;
        var r4 = rows > 4 ? Vector256.Load(source + 4 * row) : zero;
        var r5 = rows > 5 ? Vector256.Load(source + 5 * row) : zero;
        var r6 = rows > 6 ? Vector256.Load(source + 6 * row) : zero;
        var r7 = rows > 7 ? Vector256.Load(source + 7 * row) : zero;
        // Pairs, then fours, within halves of 128 bits; the halves last.
        Vector256<float> p0 = Avx.UnpackLow(r0, r1), p1 = Avx.UnpackHigh(r0, r1), p2 = Avx.UnpackLow(r2, r3), p3 = Avx.UnpackHigh(r2, r3);
        Vector256<float> p4 = Avx.UnpackLow(r4, r5), p5 = Avx.UnpackHigh(r4, r5), p6 = Avx.UnpackLow(r6, r7), p7 = Avx.UnpackHigh(r6, r7);
        Vector256<float> q0 = Avx.Shuffle(p0, p2, 0x44) * scale, q1 = Avx.Shuffle(p0, p2, 0xEE) * scale, q2 = Avx.Shuffle(p1, p3, 0x44) * scale, q3 = Avx.Shuffle(p1, p3, 0xEE) * scale;
        Vector256<float> q4 = Avx.Shuffle(p4, p6, 0x44) * scale, q5 = Avx.Shuffle(p4, p6, 0xEE) * scale, q6 = Avx.Shuffle(p5, p7, 0x44) * scale, q7 = Avx.Shuffle(p5, p7, 0xEE) * scale;
        Avx.Permute2x128(q0, q4, 0x20).Store(target);
        Avx.Permute2x128(q1, q5, 0x20).Store(target + targetRow);
        Avx.Permute2x128(q2, q6, 0x20).Store(target + 2 * targetRow);
        Avx.Permute2x128(q3, q7, 0x20).Store(target + 3 * targetRow);
        Avx.Permute2x128(q0, q4, 0x31).Store(target + 4 * targetRow);
        Avx.Permute2x128(q1, q5, 0x31).Store(target + 5 * targetRow);
        Avx.Permute2x128(q2, q6, 0x31).Store(target + 6 * targetRow);
        Avx.Permute2x128(q3, q7, 0x31).Store(target + 7 * targetRow);
    }
}
