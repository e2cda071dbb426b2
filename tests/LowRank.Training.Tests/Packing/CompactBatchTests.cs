using CsCheck;
using LowRank.Training.Data;
using LowRank.Training.Packing;

namespace LowRank.Training.Tests.Packing;

/// <summary>Batches without padding and repeated beginnings: what each token sees is what it saw.</summary>
public sealed class CompactBatchTests
{
    // Few tokens, so that beginnings repeat by chance too; some examples begin as one of three texts do, some are such a text and nothing more.
    private static readonly Gen<Example> Examples = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 60], Gen.Int[1, 2].Array[0, 40]).Select((text, length, own) =>
    {
        int[] ids = [.. Enumerable.Range(0, text == 0 ? 0 : length).Select(t => text * 100 + t), .. own];
        if (ids.Length == 0) ids = [1];
        return new Example(ids, [.. ids.Select((id, t) => id < 100 && t > 0)]);
    });

    private static readonly Gen<BatchOptions> Options = Gen.Select(Gen.Int[1, 12], Gen.Enum<BatchLayout>()).Select((size, layout) => new BatchOptions { BatchSize = size, Layout = layout, RowLength = 128, PadTokenId = 7 });

    [Fact]
    public void Every_token_sees_its_own_sequence_up_to_itself() => Gen.Select(Examples.Array[1, 30], Options, Gen.Int[1, 3]).Sample((examples, options, together) =>
    {
        foreach (var batches in EpochSampler.OneEpoch(examples, options).Chunk(together))
        {
            var (width, rows) = (batches.Max(b => b.Length), batches.Sum(b => b.Rows));
            if (CompactBatch.Of(batches, 7) is not { } compact) continue;
            Assert.True(10 * compact.Rows * compact.Length <= 9 * rows * width);
            Assert.Equal(batches.Length, compact.Rows);
            var (row, used) = (0, new HashSet<long>());
            for (var i = 0; i < batches.Length; i++)
                for (var r = 0; r < batches[i].Rows; r++, row++)
                    for (var t = 0; t < batches[i].Length; t++)
                    {
                        var at = r * batches[i].Length + t;
                        if (batches[i].SequenceIds[at] == 0) continue;
                        var place = compact.Places[row * width + t];
                        used.Add(place);
                        Assert.Equal(i, place / compact.Length);
                        Assert.Equal((batches[i].InputIds[at], batches[i].Positions[at]), (compact.InputIds[place], compact.Positions[place]));
                        var begin = at - (int)batches[i].Positions[at];
                        Assert.Equal(batches[i].InputIds[begin..(at + 1)], Seen(compact, place));
                    }
            // Nothing stands there that no token of the batches is, but padding.
            for (var at = 0L; at < compact.InputIds.Length; at++)
                if (!used.Contains(at)) Assert.Equal(7, compact.InputIds[at]);
        }
    }, iter: 300);

    private static IEnumerable<long> Seen(CompactBatch compact, long place)
    {
        var row = place / compact.Length * compact.Length;
        var (start, end) = compact.Shared[place];
        Assert.True(end <= compact.Starts[place]);
        for (var at = row + start; at < row + end; at++) yield return compact.InputIds[at];
        for (var at = row + compact.Starts[place]; at <= place; at++) yield return compact.InputIds[at];
    }

    private static Batch Of(params int[][] rows) => EpochSampler.OneEpoch([.. rows.Select(ids => new Example(ids, [.. ids.Select((_, t) => t > 0)]))], new BatchOptions { BatchSize = rows.Length, Shuffle = false }).Single();

    private static int[] Text(int text, int length, params int[] own) => [.. Enumerable.Range(0, length).Select(t => text * 100 + t), .. own];

    [Fact]
    public void A_beginning_of_all_rows_stands_once() => Assert.Equal(20 + 3 + 2 + 1, CompactBatch.Of([Of(Text(1, 20, 1, 2, 3), Text(1, 20, 2, 2), Text(1, 20, 3))])!.Length);

    // All begin with a system prompt; the two answers of a question have the question in common besides. The second question stands whole, because its other answer gains more by that.
    [Fact]
    public void Answers_share_their_question_and_not_the_system_prompt_alone()
    {
        int[] Row(int question, int answer) => [.. Text(1, 10), .. Text(question, 30), answer];
        Assert.Equal(41 + 41 + 1 + 1, CompactBatch.Of([Of(Row(2, 1), Row(3, 1), Row(2, 2), Row(3, 2))])!.Length);
    }

    [Fact]
    public void Without_saving_a_batch_stays_as_it_is()
    {
        Assert.Null(CompactBatch.Of([Of(Text(1, 20), Text(2, 20), Text(3, 19))]));
        Assert.Null(CompactBatch.Of([Of(Text(1, 7, 1, 1, 1), Text(1, 7, 2, 2, 2))]));
        Assert.Null(CompactBatch.Of([Of([1])]));
    }
}
