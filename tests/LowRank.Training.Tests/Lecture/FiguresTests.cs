using System.Globalization;
using LowRank.Training.Lecture;

namespace LowRank.Training.Tests.Lecture;

public sealed class FiguresTests
{
    [Fact]
    public void Numbers_are_written_alike_in_every_culture()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("de-DE");
            var figures = new Figures { ["share"] = 0.1234, ["count"] = 16777216, ["small"] = 4.2e-6 };
            Assert.Equal("12.3 % of 16,777,216, 4.2e-6, 0.123", figures.Fill("{share:0.0 %} of {count:N0}, {small:0.0e+0}, {share}").Replace("e-06", "e-6", StringComparison.Ordinal));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void A_text_with_a_figure_that_was_not_found_is_a_fault() =>
        Assert.Contains("loss", Assert.Throws<KeyNotFoundException>(() => new Figures { ["rank"] = 8 }.Fill("{loss:0.0}")).Message, StringComparison.Ordinal);

    [Fact]
    public void One_figure_is_exchanged_and_the_others_stay()
    {
        var figures = new Figures { ["a"] = 1, ["b"] = 2 };
        Assert.Equal([("a", 1.0), ("b", 5.0)], figures.With("b", 5).Select(p => (p.Key, p.Value)));
        Assert.Equal(2, figures["b"]);
    }
}
