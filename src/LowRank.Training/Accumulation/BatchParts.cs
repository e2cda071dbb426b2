using LowRank.Training.Packing;

namespace LowRank.Training.Accumulation;

/// <summary>Cuts a batch between its rows. Sums of losses over the parts are those of the whole batch: rows do not see each other. The two answers of a preference stay together.</summary>
internal static class BatchParts
{
    /// <summary>What a batch can be cut between: its preferences, or its rows.</summary>
    public static int Units(Batch batch) => batch.Pairs > 0 ? batch.Pairs : batch.Rows;

    /// <summary>The batch in at most so many parts of as many rows or preferences each, the last one with what is left.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="parts">The most parts, from 1. A part has at least one row, or preference.</param>
    public static IReadOnlyList<Batch> Of(Batch batch, int parts)
    {
        var units = Units(batch);
        var size = (units + parts - 1) / parts;
        if (size == units) return [batch];
        var (cut, examples) = (new List<Batch>(), 0);
        for (var first = 0; first < units; first += size)
        {
            var part = Part(batch, first, Math.Min(size, units - first), examples);
            examples += part.Examples.Count;
            cut.Add(part);
        }
        return cut;
    }

    // As wide as its own longest row: beside shorter ones a part needs less than its share of the memory.
    private static Batch Part(Batch batch, int first, int units, int firstExample)
    {
        // Behind the rows of the better answers stand those of the others, in the same order.
        int[] rows = [.. Enumerable.Range(first, units), .. batch.Pairs > 0 ? Enumerable.Range(batch.Pairs + first, units) : []];
        var (width, tokens, supervised, sequences, isPacked) = (1, 0, 0, 0, false);
        foreach (var row in rows)
        {
            var last = 0L;
            for (var t = 0; t < batch.Length; t++)
            {
                var at = row * batch.Length + t;
                if (batch.SequenceIds[at] == 0) continue;
                (width, tokens, last) = (Math.Max(width, t + 1), tokens + 1, Math.Max(last, batch.SequenceIds[at]));
                if (batch.Labels[at] != Batch.IgnoredLabel) supervised++;
            }
            sequences += (int)last;
            isPacked |= last > 1;
        }
        return new Batch
        {
            Rows = rows.Length,
            Length = width,
            InputIds = Cut(batch.InputIds),
            Labels = Cut(batch.Labels),
            Positions = Cut(batch.Positions),
            SequenceIds = Cut(batch.SequenceIds),
            SupervisedTokens = supervised,
            Tokens = tokens,
            Pairs = batch.Pairs > 0 ? units : 0,
            Examples = [.. batch.Examples.Skip(firstExample).Take(batch.Pairs > 0 ? units : sequences)],
            IsPacked = isPacked,
        };

        long[] Cut(long[] values)
        {
            var cut = new long[rows.Length * width];
            for (var row = 0; row < rows.Length; row++) values.AsSpan(rows[row] * batch.Length, width).CopyTo(cut.AsSpan(row * width));
            return cut;
        }
    }
}
