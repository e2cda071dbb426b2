using LowRank.Training.Comparison;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Comparison;

/// <summary>Which cells a comparison has, and which learning rates each of them tries.</summary>
public sealed class ComparisonGridTests
{
    private static IReadOnlyList<ComparisonCell> Cells(string vary, string? grid = null, double? rate = null) => ComparisonGrid.Cells(new ComparisonSettings
    {
        Comparison = new CompareSettings { Vary = vary, LrGrid = grid ?? new CompareSettings().LrGrid },
        Optimization = new OptimizationSettings { MaxSteps = 80, LearningRate = rate, Seed = 5 },
        Data = new DataSettings { Validation = "0.1" },
    });

    [Fact]
    public void Several_settings_give_every_combination_in_the_order_written()
    {
        var cells = Cells("targets=qv,q_proj+o_proj rank=8,16");
        Assert.Equal(["qv r 8", "qv r 16", "q_proj+o_proj r 8", "q_proj+o_proj r 16"], cells.Select(c => c.Name));
        Assert.Equal(["qv", "qv", "q_proj,o_proj", "q_proj,o_proj"], cells.Select(c => c.Settings.Adapter.Target));
        Assert.Equal([8, 16, 8, 16], cells.Select(c => c.Settings.Adapter.Rank));
    }

    [Fact]
    public void What_is_nothing_to_a_method_makes_no_cells_of_it()
    {
        var cells = Cells("method=full,lora,qlora rank=8,16 quant-type=nf4,fp4");
        Assert.Equal(["full", "lora r 8", "lora r 16", "qlora r 8 quant-type nf4", "qlora r 8 quant-type fp4", "qlora r 16 quant-type nf4", "qlora r 16 quant-type fp4"], cells.Select(c => c.Name));
        Assert.All(cells, c => Assert.Equal(cells[0].Settings, c.Full));
    }

    [Fact]
    public void Alpha_is_written_in_ranks()
    {
        Assert.Equal([4.0, 8, 16, 8, 16, 32], Cells("rank=8,16 alpha=r/2,r,2r").Select(c => c.Settings.Adapter.Alpha));
        Assert.Equal(12.5, Cells("alpha=12.5")[0].Settings.Adapter.Alpha);
        Assert.Equal("--vary alpha: \"r/0\" is not a number", Assert.Throws<SettingsException>(() => Cells("alpha=r/0")).Message);
    }

    [Fact]
    public void Full_takes_a_twentieth_of_the_rates()
    {
        var cells = Cells("method=full,lora");
        Assert.Equal([5e-6, 1.5e-5, 5e-5], cells[0].LearningRates.Select(r => Math.Round(r, 9)));
        Assert.Equal([1e-4, 3e-4, 1e-3], cells[1].LearningRates);
        var own = Cells("method=full,lora,qlora", "1e-3,1e-4 full:2e-5 qlora:3e-4");
        Assert.Equal([[2e-5], [1e-4, 1e-3], [3e-4]], own.Select(c => c.LearningRates));
        Assert.All(Cells("method=full,lora", rate: 1e-3), c => Assert.Equal([1e-3], c.LearningRates));
        Assert.Equal([[1e-3], [2e-3]], Cells("learning-rate=1e-3,2e-3").Select(c => c.LearningRates));
    }

    [Fact]
    public void Seeds_share_the_rows_that_are_held_back_and_curves_have_eight_points()
    {
        var settings = Cells("rank=8")[0].Settings;
        Assert.Equal(5, settings.Data.SplitSeed);
        Assert.Equal(10, settings.Evaluation.EvalEvery);
    }

    [Fact]
    public void Every_value_that_cannot_be_used_is_named_with_its_key()
    {
        var error = Assert.Throws<SettingsException>(() => Cells("rank=8,many method=lora,magic"));
        Assert.Equal(["--vary rank: \"many\" is not a whole number from 1", "--vary method: \"magic\" is not one of lora, qlora, full"], error.Problems.Order(StringComparer.Ordinal).Reverse());
        Assert.Contains("--vary rnak: there is no such setting; did you mean rank?", Assert.Throws<SettingsException>(() => Cells("rnak=8")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "nothing varies"), InlineData("rank", "expected a key and its values"), InlineData("rank=", "expected a key and its values"), InlineData("rank=8 rank=16", "rank stands there twice")]
    [InlineData("output=a,b", "--vary output: this is the same for all cells"), InlineData("seed=1,2", "--vary seed: this is the same")]
    public void What_varies_must_be_written_as_it_should(string vary, string message) => Assert.Contains(message, Assert.ThrowsAny<LowRankException>(() => Cells(vary)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("fast", "\"fast\" is not a learning rate"), InlineData("0", "is not a learning rate"), InlineData("full:1e-5", "no learning rates for lora"), InlineData(" ", "has no learning rate")]
    public void Learning_rates_must_be_numbers(string grid, string message) => Assert.Contains(message, Assert.Throws<LowRankException>(() => Cells("rank=8", grid)).Message, StringComparison.Ordinal);
}
