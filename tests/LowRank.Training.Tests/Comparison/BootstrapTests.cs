using LowRank.Training.Comparison;

namespace LowRank.Training.Tests.Comparison;

/// <summary>The intervals against closed forms: the bootstrap distribution of a mean has the variance of the rows by their number, and is normal for many rows.</summary>
public sealed class BootstrapTests
{
    private static double[] Rows(int rows, double share) => [.. Enumerable.Range(0, rows).Select(i => i < share * rows ? 1.0 : 0)];

    [Theory]
    [InlineData(600, 0.5), InlineData(600, 0.9), InlineData(2000, 0.955)]
    public void The_interval_of_a_share_is_that_of_the_normal_approximation(int rows, double share)
    {
        var estimate = Bootstrap.Mean(Rows(rows, share));
        var half = 1.959964 * Math.Sqrt(share * (1 - share) / rows);
        Assert.Equal(share, estimate.Value, 1e-12);
        // A share of 600 rows moves by 1/600 at a time, and a percentile of 10,000 draws by about 2 % of the half width.
        Assert.Equal(share - half, estimate.Low!.Value, 2.0 / rows + 0.06 * half);
        Assert.Equal(share + half, estimate.High!.Value, 2.0 / rows + 0.06 * half);
    }

    [Fact]
    public void Rows_of_one_value_have_no_width() => Assert.Equal(new Estimate(0.25, 0.25, 0.25), Bootstrap.Mean([0.25, 0.25, 0.25]));

    [Fact]
    public void The_same_seed_gives_the_same_interval_and_another_one_nearly_the_same()
    {
        var rows = Rows(300, 0.8);
        Assert.Equal(Bootstrap.Mean(rows, 3), Bootstrap.Mean(rows, 3));
        Assert.NotEqual(Bootstrap.Mean(rows, 3), Bootstrap.Mean([.. rows.Select((r, i) => r + i * 1e-9)], 4));
        Assert.Equal(Bootstrap.Mean(rows, 3).Low!.Value, Bootstrap.Mean(rows, 4).Low!.Value, 0.01);
    }

    // Delta method: of a ratio of means with a base that is always wrong, the variance is that of (a - k b) / mean(b) by the number of rows.
    [Fact]
    public void The_interval_of_the_gain_kept_is_that_of_the_delta_method()
    {
        double[] full = Rows(800, 0.9), cell = [.. full.Select((f, i) => i % 20 == 0 ? 1 - f : f)], none = new double[800];
        var estimate = Bootstrap.GainKept(cell, none, full);
        var share = cell.Average() / full.Average();
        var variance = cell.Zip(full, (a, b) => Math.Pow((a - share * b) / full.Average(), 2)).Average() / 800;
        Assert.Equal(share, estimate.Value, 1e-12);
        Assert.Equal(share - 1.96 * Math.Sqrt(variance), estimate.Low!.Value, 0.1 * Math.Sqrt(variance));
        Assert.Equal(share + 1.96 * Math.Sqrt(variance), estimate.High!.Value, 0.1 * Math.Sqrt(variance));
    }

    [Fact]
    public void A_cell_that_equals_full_keeps_all_of_its_gain_without_doubt()
    {
        var full = Rows(100, 0.8);
        Assert.Equal(new Estimate(1, 1, 1), Bootstrap.GainKept(full, new double[100], full));
    }

    [Fact]
    public void A_reference_without_gain_has_no_share() => Assert.False(double.IsFinite(Bootstrap.GainKept([1, 0], [0, 1], [0, 1]).Value));

    [Fact]
    public void A_reference_that_loses_has_no_share() => Assert.False(double.IsFinite(Bootstrap.GainKept([0, 0, 1], [1, 1, 1], [0, 1, 1]).Value));

    [Fact]
    public void Rows_must_be_the_same() => Assert.Throws<ArgumentException>(() => Bootstrap.GainKept([1], [0, 1], [0, 1]));
}
