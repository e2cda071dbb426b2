using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Data.Reports;

namespace LowRank.Training.Tests.Data;

public sealed class DataReportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void What_is_found_is_counted_and_named()
    {
        var train = folder.Write("train.jsonl", """
            {"prompt": "one", "completion": "1"}
            {"prompt": "two", "completion": "2"}
            {"completion": "1",   "prompt": "one"}
            {"prompt": "three", "completion": "  "}
            {"prompt": "two", "completion": "II"}
            """);
        var held = folder.Write("held.jsonl", """
            {"messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "1"}]}
            {"messages": [{"content": "new", "role": "user"}, {"role": "assistant", "content": "n"}]}
            """);
        var report = DataReport.Of(Dataset.Load(train), null, null);
        Assert.Equal((1, $"{train}:3 is {train}:1"), (report.Duplicates.Count, Assert.Single(report.Duplicates.Examples)));
        Assert.Equal((1, $"{train}:4"), (report.EmptyAnswers.Count, Assert.Single(report.EmptyAnswers.Examples)));
        Assert.Equal(("characters", 5), (report.Lengths.Unit, report.Lengths.Bins.Sum(b => b.Rows)));
        Assert.Null(report.Leakage);

        var other = folder.Write("other.jsonl", """
            {"prompt": "one", "completion": "1"}
            {"prompt": "two", "completion": "deux"}
            {"prompt": "four", "completion": "4"}
            """);
        var leakage = DataReport.Of(Dataset.Load(train), Dataset.Load(other), null).Leakage!;
        Assert.Equal((3, 1, 1), (leakage.Rows, leakage.Same.Count, leakage.SamePrompt.Count));
        Assert.Equal($"{other}:1 is {train}:1", Assert.Single(leakage.Same.Examples));
        Assert.Equal($"{other}:2 asks what {train}:2 asks", Assert.Single(leakage.SamePrompt.Examples));
        // Conversations are compared by what is said, not by how their JSON is written.
        var twice = folder.Write("twice.jsonl", File.ReadAllText(held) + """

            {"messages": [{"content": "one", "role": "user"}, {"content": "1", "role": "assistant"}]}
            """);
        Assert.Equal($"{twice}:3 is {twice}:1", Assert.Single(DataReport.Of(Dataset.Load(twice), null, null).Duplicates.Examples));
    }

    [Fact]
    public void Judged_answers_have_a_share_that_is_good()
    {
        var report = DataReport.Of(Dataset.Load(folder.Write("kto.jsonl", """
            {"prompt": "p", "completion": "a", "label": true}
            {"prompt": "p", "completion": "a", "label": false}
            {"prompt": "p", "completion": "b", "label": true}
            """)), null, null);
        Assert.Equal(2.0 / 3, report.GoodShare);
        // The same answer judged otherwise is another row.
        Assert.Equal(0, report.Duplicates.Count);
    }

    [Fact]
    public void Bins_are_round_and_hold_every_row()
    {
        int[] lengths = [.. Enumerable.Range(1, 200), 5000];
        var bins = LengthHistogram.Of(lengths, "tokens").Bins;
        Assert.Equal(201, bins.Sum(b => b.Rows));
        Assert.Equal((0, 19, 19), (bins[0].From, bins[0].To, bins[0].Rows));
        Assert.Equal((200, 5000, 2), (bins[^1].From, bins[^1].To, bins[^1].Rows));
        Assert.Equal([new LengthBin(7, 7, 3)], LengthHistogram.Of([7, 7, 7], "tokens").Bins);
        Assert.Empty(LengthHistogram.Of([], "tokens").Bins);
    }

    public void Dispose() => folder.Dispose();
}
