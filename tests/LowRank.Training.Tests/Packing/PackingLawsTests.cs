using CsCheck;
using LowRank.Training.Data;
using LowRank.Training.Packing;

namespace LowRank.Training.Tests.Packing;

/// <summary>Laws that hold for all examples, layouts and seeds.</summary>
public sealed class PackingLawsTests
{
    private const int RowLength = 64;

    private static readonly Gen<Example> Examples =
        Gen.Select(Gen.Int[0, 50_000], Gen.Bool).Array[1, RowLength].Select(tokens => new Example(Array.ConvertAll(tokens, t => t.Item1), Array.ConvertAll(tokens, t => t.Item2)));

    private static readonly Gen<BatchOptions> Options = Gen.Select(Gen.Int[1, 5], Gen.Enum<BatchLayout>(), Gen.Int[1, 8], Gen.Bool, Gen.Long, Gen.Int[1, 12])
        .Select((size, layout, multiple, shuffle, seed, window) => new BatchOptions
        {
            BatchSize = size,
            Layout = layout,
            RowLength = RowLength,
            PadToMultipleOf = multiple,
            Shuffle = shuffle,
            Seed = seed,
            PackingWindow = window,
            PadTokenId = 77,
        });

    private static readonly Gen<(Example[] Examples, BatchOptions Options)> Cases = Gen.Select(Examples.Array[1, 40], Options);

    [Fact]
    public void An_epoch_holds_every_example_once_and_whole() => Cases.Sample(c =>
    {
        var seen = new int[c.Examples.Length];
        foreach (var batch in EpochSampler.OneEpoch(c.Examples, c.Options))
        {
            foreach (var (index, ids, labels, positions) in Sequences(batch))
            {
                seen[index]++;
                var example = c.Examples[index];
                Assert.Equal(example.InputIds.ToArray(), ids.Select(i => (int)i));
                // Positions restart in every sequence.
                Assert.Equal(Enumerable.Range(0, example.Length), positions.Select(p => (int)p));
                // Every supervised label once, none at the first token, none elsewhere.
                for (var t = 0; t < example.Length; t++)
                    Assert.Equal(t > 0 && example.Supervised[t] ? example.InputIds[t] : Batch.IgnoredLabel, labels[t]);
            }
        }
        Assert.All(seen, count => Assert.Equal(1, count));
    }, iter: 500);

    [Fact]
    public void Counts_and_padding_agree_with_the_arrays() => Cases.Sample(c =>
    {
        foreach (var batch in EpochSampler.OneEpoch(c.Examples, c.Options))
        {
            Assert.Equal(batch.Rows * batch.Length, batch.InputIds.Length);
            Assert.Equal(0, batch.Length % c.Options.PadToMultipleOf);
            Assert.InRange(batch.Rows, 1, c.Options.BatchSize);
            Assert.Equal(batch.SupervisedTokens, batch.Labels.Count(l => l != Batch.IgnoredLabel));
            Assert.Equal(batch.SupervisedTokens, batch.Examples.Sum(i => c.Examples[i].SupervisedTokens));
            Assert.Equal(batch.Tokens, batch.SequenceIds.Count(s => s != 0));
            Assert.Equal(batch.IsPacked, batch.SequenceIds.Any(s => s > 1));
            if (c.Options.Layout != BatchLayout.Packed) Assert.False(batch.IsPacked);
            for (var i = 0; i < batch.InputIds.Length; i++)
                if (batch.SequenceIds[i] == 0) Assert.Equal((77L, Batch.IgnoredLabel, 0L), (batch.InputIds[i], batch.Labels[i], batch.Positions[i]));
        }
    }, iter: 500);

    [Fact]
    public void A_cursor_continues_the_same_sequence_of_batches() => Gen.Select(Cases, Gen.Int[0, 60]).Sample((c, steps) =>
    {
        var unbroken = new EpochSampler(c.Examples, c.Options);
        for (var i = 0; i < steps; i++) unbroken.Next();
        var saved = System.Text.Json.JsonSerializer.Serialize(unbroken.Cursor);
        var resumed = new EpochSampler(c.Examples, c.Options);
        resumed.Restore(System.Text.Json.JsonSerializer.Deserialize<DataCursor>(saved)!);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(unbroken.Cursor, resumed.Cursor);
            var (expected, actual) = (unbroken.Next(), resumed.Next());
            Assert.Equal(expected.Examples, actual.Examples);
            Assert.Equal(expected.InputIds, actual.InputIds);
            Assert.Equal(expected.SequenceIds, actual.SequenceIds);
        }
    }, iter: 200);

    [Fact]
    public void First_fit_decreasing_stays_within_its_bound() => Gen.Int[1, 100].Array[1, 200].Sample(lengths =>
    {
        var rows = FirstFitDecreasing.Pack(lengths, 100);
        Assert.Equal(Enumerable.Range(0, lengths.Length), rows.SelectMany(r => r).Order());
        Assert.All(rows, r => Assert.InRange(r.Sum(i => lengths[i]), 1, 100));
        // No two rows could be one: else the later row's first sequence would have gone into the earlier.
        var fullness = rows.Select(r => r.Sum(i => lengths[i])).ToArray();
        for (var i = 0; i + 1 < rows.Count; i++) Assert.True(fullness[i] + lengths[rows[i + 1][0]] > 100);
    }, iter: 500);

    /// <summary>Reads the sequences back from the arrays alone.</summary>
    private static IEnumerable<(int Index, long[] Ids, long[] Labels, long[] Positions)> Sequences(Batch batch)
    {
        var next = 0;
        for (var row = 0; row < batch.Rows; row++)
        {
            var (from, to) = (row * batch.Length, (row + 1) * batch.Length);
            for (var sequence = 1; from < to && batch.SequenceIds[from] == sequence; sequence++)
            {
                var end = from;
                while (end < to && batch.SequenceIds[end] == sequence) end++;
                yield return (batch.Examples[next++], batch.InputIds[from..end], batch.Labels[from..end], batch.Positions[from..end]);
                from = end;
            }
            // Nothing but padding follows the last sequence.
            Assert.All(batch.SequenceIds[from..to], s => Assert.Equal(0, s));
        }
        Assert.Equal(batch.Examples.Count, next);
    }
}
