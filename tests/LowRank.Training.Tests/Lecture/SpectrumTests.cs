using LowRank.Training.Lecture.Laboratory;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Lecture;

public sealed class SpectrumTests
{
    [Fact]
    public void A_diagonal_matrix_has_its_diagonal_as_spectrum()
    {
        using var matrix = diag(tensor(new float[] { 1, 4, 2 }));
        var values = Spectrum.Of(matrix);
        Assert.Equal([4, 2, 1], values.Select(v => Math.Round(v, 6)));
        // 16 of 21 in the first, 20 of 21 in the first two.
        Assert.Equal(16.0 / 21, Spectrum.Kept(values, 1), 1e-9);
        Assert.Equal(20.0 / 21, Spectrum.Kept(values, 2), 1e-9);
        Assert.Equal(1, Spectrum.Kept(values, 3), 1e-9);
    }

    [Theory]
    [InlineData(1), InlineData(5)]
    public void Equal_values_have_their_number_as_effective_rank(int count) => Assert.Equal(count, Spectrum.EffectiveRank(Enumerable.Repeat(0.3, count).ToArray()), 1e-9);

    [Fact]
    public void A_product_of_one_column_and_one_row_has_effective_rank_one()
    {
        using var matrix = outer(arange(1, 9, ScalarType.Float64), arange(1, 5, ScalarType.Float64));
        Assert.Equal(1, Spectrum.EffectiveRank(Spectrum.Of(matrix)), 1e-9);
    }

    [Fact]
    public void Nothing_has_no_directions()
    {
        Assert.Equal(0, Spectrum.EffectiveRank([0, 0]));
        Assert.Equal(1, Spectrum.Kept([0, 0], 1));
    }
}
