using LowRank.Training.Data;

namespace LowRank.Training.Packing;

/// <summary>Writes chosen examples into the arrays of a batch. The one place of padding, positions and label masking.</summary>
internal static class BatchAssembler
{
    /// <param name="examples">All examples.</param>
    /// <param name="rows">For each row of the batch the examples in it, by index.</param>
    /// <param name="padTokenId">Fills what is left of a row.</param>
    /// <param name="multipleOf">The width is rounded up to a multiple of this.</param>
    public static Batch Assemble(IReadOnlyList<Example> examples, IReadOnlyList<int[]> rows, int padTokenId, int multipleOf)
    {
        if (examples[rows[0][0]].Rejected is null) return Sequences(examples, rows, padTokenId, multipleOf);
        Example[] better = [.. rows.SelectMany(r => r).Select(i => examples[i])];
        Example[] both = [.. better, .. better.Select(e => e.Rejected ?? throw new LowRankException($"{e.Row?.Place ?? "an example"} has one answer, others of its batch are preferences with two."))];
        var batch = Sequences(both, [.. both.Select((_, i) => new[] { i })], padTokenId, multipleOf);
        return batch with { Pairs = better.Length, Examples = [.. rows.SelectMany(r => r)] };
    }

    private static Batch Sequences(IReadOnlyList<Example> examples, IReadOnlyList<int[]> rows, int padTokenId, int multipleOf)
    {
        var width = 0;
        foreach (var row in rows) width = Math.Max(width, row.Sum(i => examples[i].Length));
        width = checked((width + multipleOf - 1) / multipleOf * multipleOf);
        var size = checked(rows.Count * width);
        var (ids, labels, positions, sequences) = (new long[size], new long[size], new long[size], new long[size]);
        Array.Fill(ids, padTokenId);
        Array.Fill(labels, Batch.IgnoredLabel);
        var (supervised, tokens) = (0, 0);
        for (var row = 0; row < rows.Count; row++)
        {
            var at = row * width;
            for (var sequence = 0; sequence < rows[row].Length; sequence++)
            {
                var example = examples[rows[row][sequence]];
                for (var t = 0; t < example.Length; t++, at++)
                {
                    ids[at] = example.InputIds[t];
                    if (t > 0 && example.Supervised[t]) labels[at] = example.InputIds[t];
                    positions[at] = t;
                    sequences[at] = sequence + 1;
                }
                supervised += example.SupervisedTokens;
                tokens += example.Length;
            }
        }
        return new Batch
        {
            Rows = rows.Count,
            Length = width,
            InputIds = ids,
            Labels = labels,
            Positions = positions,
            SequenceIds = sequences,
            SupervisedTokens = supervised,
            Tokens = tokens,
            Examples = [.. rows.SelectMany(r => r)],
            IsPacked = rows.Any(r => r.Length > 1),
        };
    }
}
