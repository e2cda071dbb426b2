using System.Runtime.Intrinsics;
using LowRank.Kernels.Cpu;

namespace LowRank.Tests.Kernels;

/// <summary>Elementary functions of vectors against those of .NET in fp64.</summary>
public sealed class VectorMathTests
{
    // Two units in the last place of an fp32 number.
    private const double TwoUlp = 2.0 / (1 << 23);

    [Fact]
    public void Exp_is_within_two_units_in_the_last_place()
    {
        for (var x = -87.2f; x < 88.2f; x += 0.0137f) Relative(Math.Exp(x), VectorMath.Exp(Vector256.Create(x))[0], x);
    }

    [Theory]
    [InlineData(-88f, 0f), InlineData(float.NegativeInfinity, 0f), InlineData(0f, 1f)]
    public void Exp_ends_at_zero(float x, float want) => Assert.Equal(want, VectorMath.Exp(Vector256.Create(x))[7]);

    [Fact]
    public void Exp_of_a_large_number_stays_finite() => Assert.True(float.IsFinite(VectorMath.Exp(Vector256.Create(1000f))[0]));

    [Fact]
    public void Not_a_number_stays_so()
    {
        Assert.True(float.IsNaN(VectorMath.Exp(Vector256.Create(float.NaN))[0]));
        Assert.True(float.IsNaN(VectorMath.Tanh(Vector256.Create(float.NaN))[0]));
    }

    [Fact]
    public void Tanh_and_sigmoid_are_as_exact()
    {
        for (var x = -20f; x < 20f; x += 0.0071f)
        {
            Relative(Math.Tanh(x), VectorMath.Tanh(Vector256.Create(x))[3], x);
            Relative(1 / (1 + Math.Exp(-x)), VectorMath.Sigmoid(Vector256.Create(x))[3], x);
        }
    }

    private static void Relative(double want, float got, float at) =>
        Assert.True(Math.Abs(got - want) <= TwoUlp * Math.Abs(want), $"at {at}: {got} is {(got - want) / want:e2} off {want}");
}
