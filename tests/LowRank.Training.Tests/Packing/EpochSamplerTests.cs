using LowRank.RandomNumbers;
using LowRank.Training.Data;
using LowRank.Training.Packing;

namespace LowRank.Training.Tests.Packing;

public sealed class EpochSamplerTests
{
    private static Example[] Examples(params int[] lengths) =>
        [.. lengths.Select((n, i) => new Example([.. Enumerable.Range(100 * i, n)], [.. Enumerable.Repeat(true, n)]))];

    [Fact]
    public void Without_shuffling_batches_follow_the_file()
    {
        var batches = EpochSampler.OneEpoch(Examples(3, 1, 2, 4, 5), new BatchOptions { BatchSize = 2, Shuffle = false }).ToList();
        Assert.Equal([[0, 1], [2, 3], [4]], batches.Select(b => b.Examples));
        Assert.Equal([3, 4, 5], batches.Select(b => b.Length));
        Assert.Equal([0, 1, 2, 100, 0, 0], batches[0].InputIds);
        Assert.Equal([-100, 1, 2, -100, -100, -100], batches[0].Labels);
        Assert.Equal([1, 1, 1, 1, 0, 0], batches[0].SequenceIds);
    }

    [Fact]
    public void Packed_row_restarts_positions_and_learns_nothing_across_the_border()
    {
        var batch = EpochSampler.OneEpoch(Examples(2, 3, 6), new BatchOptions { BatchSize = 8, Shuffle = false, Layout = BatchLayout.Packed, RowLength = 6 }).Single();
        Assert.Equal((2, 6, 11, 8), (batch.Rows, batch.Length, batch.Tokens, batch.SupervisedTokens));
        Assert.Equal([0, 1, 100, 101, 102, 0], batch.InputIds[..6]);
        Assert.Equal([-100, 1, -100, 101, 102, -100], batch.Labels[..6]);
        Assert.Equal([0, 1, 0, 1, 2, 0], batch.Positions[..6]);
        Assert.Equal([1, 1, 2, 2, 2, 0], batch.SequenceIds[..6]);
        Assert.Equal([0, 1, 2], batch.Examples);
    }

    [Fact]
    public void The_order_is_pinned_for_a_seed_and_differs_by_epoch()
    {
        var sampler = new EpochSampler(Examples(1, 1, 1, 1, 1, 1, 1, 1), new BatchOptions { BatchSize = 8, Seed = 42 });
        var orders = Enumerable.Range(0, 2).Select(_ => string.Join(' ', sampler.Next().Examples)).ToArray();
        // From a Python transcription of xoshiro256**, SplitMix64 and Fisher-Yates. Resume relies on it: it may not change between versions.
        Assert.Equal(["1 7 3 5 6 4 2 0", "1 5 6 7 4 2 3 0"], orders);
    }

    [Fact]
    public void Every_order_is_equally_likely()
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var epoch = 0; epoch < 6000; epoch++)
        {
            var order = new[] { 0, 1, 2 };
            new Xoshiro256(7, epoch).Shuffle(order.AsSpan());
            var key = string.Join(' ', order);
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }
        // 1000 expected of each of the six; five standard deviations are 144.
        Assert.Equal(6, counts.Count);
        Assert.All(counts.Values, c => Assert.InRange(c, 856, 1144));
    }

    [Fact]
    public void A_long_sequence_is_refused_by_name()
    {
        var row = new DataRow { File = "d.jsonl", Line = 7, Number = 7, Format = DataFormat.Text };
        var fault = Assert.Throws<LowRankException>(() => new EpochSampler([new Example(new int[9], new bool[9], row)], new BatchOptions { Layout = BatchLayout.Packed, RowLength = 8 }));
        Assert.Equal("d.jsonl:7: 9 tokens do not fit into packed rows of 8; truncate to that length or raise it", fault.Message);
    }

    [Fact]
    public void A_cursor_of_other_data_or_settings_is_refused()
    {
        var cursor = new EpochSampler(Examples(3, 4), new BatchOptions()).Cursor;
        foreach (var other in new[]
        {
            new EpochSampler(Examples(4, 3), new BatchOptions()), new EpochSampler(Examples(3, 4), new BatchOptions { Seed = 1 }),
            new EpochSampler(Examples(3, 4), new BatchOptions { BatchSize = 1 }), new EpochSampler(Examples(3, 4), new BatchOptions { Shuffle = false }),
        })
            Assert.Contains("cannot be resumed exactly", Assert.Throws<LowRankException>(() => other.Restore(cursor)).Message, StringComparison.Ordinal);
        Assert.Throws<LowRankException>(() => new EpochSampler(Examples(3, 4), new BatchOptions()).Restore(cursor with { Batch = 1 }));
    }

    [Fact]
    public void Grouping_by_length_pads_less()
    {
        var examples = Examples([.. Enumerable.Range(0, 300).Select(i => 1 + i * 37 % 100)]);
        int Padding(BatchLayout layout) => EpochSampler.OneEpoch(examples, new BatchOptions { BatchSize = 4, Layout = layout }).Sum(b => b.Rows * b.Length - b.Tokens);
        Assert.True(Padding(BatchLayout.GroupedByLength) * 5 < Padding(BatchLayout.Padded));
    }
}
