using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

public sealed class ValidationSplitTests
{
    private static readonly DataRow[] Rows =
        [.. Enumerable.Range(1, 50).Select(i => new DataRow { File = "d", Line = i, Number = i, Format = DataFormat.Text, Text = "x" })];

    private static readonly Dataset Data = new("d", DataFormat.Text, Rows, []);

    [Theory]
    [InlineData("0.1", 5), InlineData("10%", 5), InlineData("7", 7), InlineData("0.001", 1), InlineData("0", 0), InlineData(null, 0), InlineData("", 0)]
    public void Parts_are_disjoint_complete_and_in_order(string? text, int count)
    {
        var split = ValidationSplit.Parse(Data, text, seed: 3);
        Assert.Equal(count, split.Validation.Count);
        Assert.Equal(Rows.Select(r => r.Line), split.Training.Concat(split.Validation).Select(r => r.Line).Order());
        Assert.Equal(split.Training.Select(r => r.Line).Order(), split.Training.Select(r => r.Line));
        Assert.Equal(split.Validation.Select(r => r.Line), ValidationSplit.Parse(Data, text, seed: 3).Validation.Select(r => r.Line));
    }

    [Fact]
    public void Another_seed_holds_back_other_rows() => Assert.NotEqual(
        ValidationSplit.ByCount(Rows, 10, 1).Validation.Select(r => r.Line), ValidationSplit.ByCount(Rows, 10, 2).Validation.Select(r => r.Line));

    [Theory]
    [InlineData("50"), InlineData("1.5"), InlineData("100%"), InlineData("no-such-file.jsonl")]
    public void What_cannot_be_is_refused(string text) => Assert.Throws<LowRankException>(() => ValidationSplit.Parse(Data, text));
}
