using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// Elementary functions of eight fp32 values at once, by the polynomials of Cephes (expf, tanhf): within 2 units in the last place, and several times as fast as
/// <see cref="Vector256.Exp(Vector256{float})"/>, which computes in fp64.
/// </summary>
internal static class VectorMath
{
    // Beyond these the result would be no normal number: e^-87.3 is the least, e^88.3 near the largest.
    private const float Least = -87.3f;
    private const float Most = 88.3f;

    /// <summary>e^x; 0 below -87.3, at most e^88.3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> x)
    {
        var isZero = Vector256.LessThan(x, Vector256.Create(Least));
        x = Vector256.Min(Vector256.Max(x, Vector256.Create(Least)), Vector256.Create(Most));
        // x = n ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts, so that n ln 2 is exact.
        var n = Vector256.Round(x * 1.44269504088896341f);
        var r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-0.693359375f), x);
        r = Vector256.FusedMultiplyAdd(n, Vector256.Create(2.12194440e-4f), r);
        var p = Vector256.Create(1.9875691500e-4f);
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.3981999507e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(8.3334519073e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(4.1665795894e-2f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.6666665459e-1f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(5.0000001201e-1f));
        p = Vector256.FusedMultiplyAdd(p, r * r, r) + Vector256<float>.One;
        var power = Vector256.ShiftLeft(Vector256.ConvertToInt32Native(n) + Vector256.Create(127), 23).AsSingle();
        return Vector256.AndNot(p * power, isZero);
    }

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sigmoid(Vector256<float> x) => Vector256<float>.One / (Vector256<float>.One + Exp(-x));

    /// <summary>tanh x: by an odd polynomial up to 0.625, where the quotient of exponentials would lose digits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Tanh(Vector256<float> x)
    {
        var magnitude = Vector256.Abs(x);
        var z = x * x;
        var p = Vector256.Create(-5.70498872745e-3f);
        p = Vector256.FusedMultiplyAdd(p, z, Vector256.Create(2.06390887954e-2f));
        p = Vector256.FusedMultiplyAdd(p, z, Vector256.Create(-5.37397155531e-2f));
        p = Vector256.FusedMultiplyAdd(p, z, Vector256.Create(1.33314422036e-1f));
        p = Vector256.FusedMultiplyAdd(p, z, Vector256.Create(-3.33332819422e-1f));
        var small = Vector256.FusedMultiplyAdd(p * z, x, x);
        var large = Vector256<float>.One - Vector256.Create(2f) / (Exp(magnitude + magnitude) + Vector256<float>.One);
        large = Vector256.CopySign(large, x);
        return Vector256.ConditionalSelect(Vector256.LessThan(magnitude, Vector256.Create(0.625f)), small, large);
    }

    /// <summary>The largest of <paramref name="count"/> values; −∞ of none.</summary>
    public static unsafe float Max(float* x, int count)
    {
        var lanes = Vector256.Create(float.NegativeInfinity);
        var i = 0;
        for (; i <= count - 8; i += 8) lanes = Vector256.Max(lanes, Vector256.Load(x + i));
        var max = float.NegativeInfinity;
        for (var l = 0; l < 8; l++) max = MathF.Max(max, lanes[l]);
        for (; i < count; i++) max = MathF.Max(max, x[i]);
        return max;
    }
}
