using Xunit;

namespace LowRank.Testing;

/// <summary>Element-wise comparison with a stated tolerance.</summary>
public static class Near
{
    /// <summary>Asserts |got - want| ≤ <paramref name="absolute"/> for each element; says where the largest difference is.</summary>
    public static void All(ReadOnlySpan<float> want, ReadOnlySpan<float> got, double absolute, string what)
    {
        Assert.True(want.Length == got.Length, $"{what}: {got.Length} elements, expected {want.Length}");
        var (worst, at) = Largest(want, got);
        Assert.True(worst <= absolute, $"{what}: differs by {worst:g4} at element {at} (got {(got.Length > 0 ? got[at] : 0):g9}, want {(want.Length > 0 ? want[at] : 0):g9}); allowed is {absolute:g4}");
    }

    /// <summary>The largest difference and where it is; a NaN counts as infinite.</summary>
    public static (double Difference, int At) Largest(ReadOnlySpan<float> want, ReadOnlySpan<float> got)
    {
        var (worst, at) = (0.0, 0);
        for (var i = 0; i < want.Length; i++)
        {
            var d = Math.Abs((double)got[i] - want[i]);
            if (double.IsNaN(d)) d = double.PositiveInfinity;
            if (d > worst) (worst, at) = (d, i);
        }
        return (worst, at);
    }
}
