using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Data.Sources;

namespace LowRank.Training.Tests.Data;

/// <summary>Folders, patterns, several files and their weights.</summary>
public sealed class DataSourceTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Rows(string name, int count, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.At(name))!);
        return folder.Write(name, string.Concat(Enumerable.Range(0, count).Select(i => $"{{\"text\": \"{text}{i}\"}}\n")));
    }

    private static string[] Texts(IEnumerable<DataRow> rows) => [.. rows.Select(r => r.Text!)];

    [Fact]
    public void A_folder_is_its_splits()
    {
        Rows("set/train-00000-of-00002.jsonl", 2, "a");
        Rows("set/train-00001-of-00002.jsonl", 1, "b");
        Rows("set/valid.jsonl", 1, "v");
        Rows("set/test.jsonl", 1, "t");
        folder.Write("set/README.txt", "not data");
        var set = folder.At("set");
        Assert.Equal(["a0", "a1", "b0"], Texts(DataSource.Load(set).Rows));
        Assert.Equal(["t0"], Texts(DataSource.Load(set + ":test").Rows));
        Assert.Equal(["v0"], Texts(DataSource.Load(set + ":valid.jsonl").Rows));
        Assert.Equal($"{set}:validation", DataSource.ValidationOf(set));
        Assert.Equal(["v0"], Texts(DataSource.Load(set, isHeldOut: true).Rows));
        Assert.Equal(["v0"], Texts(ValidationSplit.Parse(DataSource.Load(set), set).Validation));
        Assert.Null(DataSource.ValidationOf(set + ":test"));
        Assert.Contains("no split 'dev2'", Assert.Throws<LowRankException>(() => DataSource.Load(set + ":dev2")).Message, StringComparison.Ordinal);
        folder.Write("set/dataset_info.json", """{"mine": {"file_name": "test.jsonl", "columns": {"prompt": "text"}}, "far": {"hf_hub_url": "a/b"}}""");
        Assert.Equal(["t0"], Texts(DataSource.Load(set + ":mine").Rows));
        Assert.Contains("has the data sets mine: name one", Assert.Throws<LowRankException>(() => DataSource.Load(set + ":none")).Message, StringComparison.Ordinal);
        Assert.Contains("names no file_name", Assert.Throws<LowRankException>(() => DataSource.Load(set + ":far")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Patterns_take_files_in_the_order_of_their_names()
    {
        Rows("b/x.jsonl", 1, "b");
        Rows("a/x.jsonl", 1, "a");
        Rows("a/deep/x.jsonl", 1, "d");
        Rows("a/y.json", 1, "y");
        Rows("a/.hidden.jsonl", 1, "h");
        Assert.Equal(["a0", "b0"], Texts(DataSource.Load(folder.At("*/x.jsonl")).Rows));
        Assert.Equal(["d0", "a0", "b0"], Texts(DataSource.Load(folder.At("**/x.jsonl")).Rows));
        Assert.Equal(["y0"], Texts(DataSource.Load(folder.At("a/?.json")).Rows));
        Assert.Contains("no file is called so", Assert.Throws<LowRankException>(() => DataSource.Load(folder.At("*.csv"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_files_come_one_after_the_other_and_may_differ_in_shape()
    {
        var (a, b) = (Rows("a.jsonl", 2, "a"), folder.Write("b.csv", "prompt,completion\np,c\n"));
        var data = DataSource.Load($"{a},{b}");
        Assert.Equal([(DataFormat.Text, 1), (DataFormat.Text, 2), (DataFormat.PromptCompletion, 2)], data.Rows.Select(r => (r.Format, r.Line)));
        Assert.Null(data.Mixture);
        Assert.Equal(data.Rows.Select(r => r.Place), data.Rows.Select((_, i) => data.Rows[i].Place));
        data.RequireTrainable();
        var preferences = folder.Write("c.jsonl", """{"prompt": "p", "chosen": "c", "rejected": "r"}""");
        Assert.Contains("objective", Assert.Throws<DatasetException>(DataSource.Load($"{a},{preferences}").RequireTrainable).Message, StringComparison.Ordinal);
        Assert.Contains("has no weight and others have one", Assert.Throws<LowRankException>(() => DataSource.Load($"{a}=2,{b}")).Message, StringComparison.Ordinal);
        Assert.Contains("must be above 0", Assert.Throws<LowRankException>(() => DataSource.Load($"{a}=0,{b}=1")).Message, StringComparison.Ordinal);
    }

    // Worked out by hand from the definition: 6 rows, shares 4 and 2; b's two rows come once each, of a's four rows all.
    [Fact]
    public void Weights_are_shares_of_an_epoch()
    {
        var (a, b) = (Rows("a.jsonl", 4, "a"), Rows("b.jsonl", 2, "b"));
        Assert.Equal(["a0", "b0", "a1", "a2", "b1", "a3"], Texts(Mixed($"{a}=2,{b}=1")));
        // Shares 3 and 3: b once whole and one more row, chosen by the seed; of a three of four, in its order.
        var even = Texts(Mixed($"{a}=1,{b}=1"));
        Assert.Equal(["a", "b", "a", "b", "a", "b"], even.Select(t => t[..1]));
        Assert.Equal(3, even.Where(t => t[0] == 'a').Distinct().Count());
        Assert.Equal(["b0", "b1"], even.Where(t => t[0] == 'b').Take(2));
        Assert.Equal(even, Texts(Mixed($"{a}=10,{b}=10")));
        Assert.Contains(Enumerable.Range(1, 20), seed => !Texts(Mixed($"{a}=1,{b}=1", seed)).SequenceEqual(even));
        // What does not go evenly is rounded to the largest remainder.
        Assert.Equal([2, 2, 3], new Mixture([0, 1, 2, 7], [1, 1, 1.5], ["a", "b", "c"]).Counts(7));
        Assert.Equal([3, 2, 2], new Mixture([0, 1, 2, 7], [1, 1, 1], ["a", "b", "c"]).Counts(7));
    }

    [Fact]
    public void What_is_held_back_is_held_back_before_rows_are_repeated()
    {
        var (a, b) = (Rows("a.jsonl", 30, "a"), Rows("b.jsonl", 10, "b"));
        var data = DataSource.Load($"{a}=1,{b}=3");
        var split = ValidationSplit.Parse(data, "0.25", 5);
        var mixed = data.Mixture!.Apply(split.Training, 0);
        Assert.Equal(30, mixed.Count);
        Assert.Empty(Texts(mixed).Intersect(Texts(split.Validation)));
        // 30 rows at 1 to 3: 7.5 and 22.5, of equal remainders the first.
        Assert.Equal(8, mixed.Count(r => r.Text![0] == 'a'));
    }

    [Fact]
    public void Columns_are_checked()
    {
        Assert.Equal("q", ColumnMap.Parse("prompt=q,response=a")["prompt"]);
        Assert.Equal("a", ColumnMap.Parse("prompt=q,response=a")["completion"]);
        Assert.Contains("is not FIELD=NAME", Assert.Throws<LowRankException>(() => ColumnMap.Parse("prompt")).Message, StringComparison.Ordinal);
        Assert.Contains("there is no field \"promt\"", Assert.Throws<LowRankException>(() => ColumnMap.Parse("promt=q")).Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<DataRow> Mixed(string data, long seed = 0) => DataSource.Load(data) is { Mixture: { } mixture } loaded ? mixture.Apply(loaded.Rows, seed) : [];

    public void Dispose() => folder.Dispose();
}
