namespace LowRank.Training.Packing;

/// <summary>Batches one below another as one: rows that are shorter than the longest are padded on the right, which changes nothing of what their tokens see.</summary>
internal static class BatchStack
{
    /// <summary>The rows of all batches, in their order.</summary>
    /// <param name="batches">At least one.</param>
    /// <param name="padTokenId">Fills what is left of a row.</param>
    public static Batch Of(IReadOnlyList<Batch> batches, int padTokenId)
    {
        if (batches.Count == 1) return batches[0];
        var (rows, length) = (batches.Sum(b => b.Rows), batches.Max(b => b.Length));
        return new Batch
        {
            Rows = rows,
            Length = length,
            InputIds = Stacked(batches, b => b.InputIds, rows, length, padTokenId),
            Labels = Stacked(batches, b => b.Labels, rows, length, Batch.IgnoredLabel),
            Positions = Stacked(batches, b => b.Positions, rows, length, 0),
            SequenceIds = Stacked(batches, b => b.SequenceIds, rows, length, 0),
            SupervisedTokens = batches.Sum(b => b.SupervisedTokens),
            Tokens = batches.Sum(b => b.Tokens),
            Examples = [.. batches.SelectMany(b => b.Examples)],
            IsPacked = batches.Any(b => b.IsPacked),
        };
    }

    private static long[] Stacked(IReadOnlyList<Batch> batches, Func<Batch, long[]> part, int rows, int length, long fill)
    {
        var all = new long[rows * length];
        Array.Fill(all, fill);
        var row = 0;
        foreach (var batch in batches)
            for (var r = 0; r < batch.Rows; r++, row++) part(batch).AsSpan(r * batch.Length, batch.Length).CopyTo(all.AsSpan(row * length));
        return all;
    }
}
