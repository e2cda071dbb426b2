using CsCheck;
using LowRank.Training.Accumulation;
using LowRank.Training.Data;
using LowRank.Training.Packing;

namespace LowRank.Training.Tests.Accumulation;

/// <summary>A batch that is cut loses nothing but padding.</summary>
public sealed class BatchPartsTests
{
    private static readonly Gen<Example> Examples =
        Gen.Select(Gen.Int[1, 50_000], Gen.Bool).Array[1, 24].Select(tokens => new Example(Array.ConvertAll(tokens, t => t.Item1), Array.ConvertAll(tokens, t => t.Item2)));

    private static readonly Gen<(Example[] Examples, BatchOptions Options, int Parts)> Cases = Gen.Select(Examples.Array[1, 20], Gen.Int[1, 9], Gen.Bool, Gen.Int[1, 4], Gen.Int[1, 10])
        .Select((examples, size, packed, multiple, parts) => (examples, new BatchOptions { BatchSize = size, Layout = packed ? BatchLayout.Packed : BatchLayout.Padded, RowLength = 48, PadToMultipleOf = multiple, PadTokenId = 0 }, parts));

    private static (long Id, long Label, long Position, long Sequence)[][] Rows(Batch batch) => [.. Enumerable.Range(0, batch.Rows).Select(row => Enumerable.Range(row * batch.Length, batch.Length)
        .Where(at => batch.SequenceIds[at] != 0).Select(at => (batch.InputIds[at], batch.Labels[at], batch.Positions[at], batch.SequenceIds[at])).ToArray())];

    [Fact]
    public void Parts_hold_the_rows_of_the_whole_in_their_order() => Cases.Sample(c =>
    {
        foreach (var batch in EpochSampler.OneEpoch(c.Examples, c.Options))
        {
            var parts = BatchParts.Of(batch, c.Parts);
            Assert.InRange(parts.Count, 1, Math.Min(c.Parts, batch.Rows));
            Assert.True(parts.Max(p => p.Rows) <= (batch.Rows + c.Parts - 1) / c.Parts);
            Assert.Equal(Rows(batch), parts.SelectMany(Rows));
            Assert.Equal(batch.Examples, parts.SelectMany(p => p.Examples));
            Assert.Equal((batch.SupervisedTokens, batch.Tokens), (parts.Sum(p => p.SupervisedTokens), parts.Sum(p => p.Tokens)));
            foreach (var part in parts)
            {
                Assert.Equal(part.Rows * part.Length, part.InputIds.Length);
                Assert.True(part.Length <= batch.Length);
                Assert.Equal(part.SequenceIds.Any(s => s > 1), part.IsPacked);
                if (parts.Count > 1) Assert.Contains(Enumerable.Range(0, part.Rows), row => part.SequenceIds[(row + 1) * part.Length - 1] != 0);
            }
        }
    }, iter: 400);

    [Fact]
    public void Both_answers_of_a_preference_stay_together() => Gen.Select(Gen.Select(Examples, Examples).Array[1, 9], Gen.Int[1, 10]).Sample(c =>
    {
        Example[] pairs = [.. c.Item1.Select(p => new Example(p.Item1.InputIds.ToArray(), p.Item1.Supervised.ToArray()) { Rejected = p.Item2 })];
        var batch = EpochSampler.OneEpoch(pairs, new BatchOptions { BatchSize = 9, Shuffle = false }).Single();
        var parts = BatchParts.Of(batch, c.Item2);
        Assert.InRange(parts.Count, 1, Math.Min(c.Item2, batch.Pairs));
        Assert.Equal(batch.Examples, parts.SelectMany(p => p.Examples));
        Assert.All(parts, p => Assert.Equal((2 * p.Pairs, p.Pairs), (p.Rows, p.Examples.Count)));
        // The better answers of each part stand before the others, in the order of the whole.
        Assert.Equal(Rows(batch)[..batch.Pairs], parts.SelectMany(p => Rows(p)[..p.Pairs]));
        Assert.Equal(Rows(batch)[batch.Pairs..], parts.SelectMany(p => Rows(p)[p.Pairs..]));
        Assert.Equal((batch.SupervisedTokens, batch.Tokens), (parts.Sum(p => p.SupervisedTokens), parts.Sum(p => p.Tokens)));
    }, iter: 200);

    [Fact]
    public void One_part_is_the_batch_itself()
    {
        var batch = EpochSampler.OneEpoch([new Example([1, 2], [false, true])], new BatchOptions()).Single();
        Assert.Same(batch, Assert.Single(BatchParts.Of(batch, 4)));
    }
}
