using LowRank.Training.Packing;

namespace LowRank.Training.Accumulation;

/// <summary>Cuts a batch between its rows. Sums of losses over the parts are those of the whole batch: rows do not see each other.</summary>
internal static class BatchParts
{
    /// <summary>The batch in at most so many parts of as many rows each, the last one with what is left.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="parts">The most parts, from 1. A part has at least one row.</param>
    public static IReadOnlyList<Batch> Of(Batch batch, int parts)
    {
        var rows = (batch.Rows + parts - 1) / parts;
        if (rows == batch.Rows) return [batch];
        var (cut, examples) = (new List<Batch>(), 0);
        for (var first = 0; first < batch.Rows; first += rows)
        {
            var part = Rows(batch, first, Math.Min(rows, batch.Rows - first), examples);
            examples += part.Examples.Count;
            cut.Add(part);
        }
        return cut;
    }

    // As wide as its own longest row: beside shorter ones a part needs less than its share of the memory.
    private static Batch Rows(Batch batch, int first, int rows, int firstExample)
    {
        var (width, tokens, supervised, sequences, isPacked) = (1, 0, 0, 0, false);
        for (var row = first; row < first + rows; row++)
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
            Rows = rows,
            Length = width,
            InputIds = Cut(batch.InputIds),
            Labels = Cut(batch.Labels),
            Positions = Cut(batch.Positions),
            SequenceIds = Cut(batch.SequenceIds),
            SupervisedTokens = supervised,
            Tokens = tokens,
            Examples = [.. batch.Examples.Skip(firstExample).Take(sequences)],
            IsPacked = isPacked,
        };

        long[] Cut(long[] values)
        {
            var cut = new long[rows * width];
            for (var row = 0; row < rows; row++) values.AsSpan((first + row) * batch.Length, width).CopyTo(cut.AsSpan(row * width));
            return cut;
        }
    }
}
