using LowRank.RandomNumbers;

namespace LowRank.Training.Packing;

/// <summary>Which examples stand in which row of which batch, for one epoch. A function of lengths, options and the epoch's number.</summary>
internal static class EpochPlan
{
    /// <summary>As Transformers' LengthGroupedSampler: examples of like length are sought among this many batches.</summary>
    private const int BatchesInGroup = 50;

    /// <summary>For each batch its rows, for each row its examples.</summary>
    public static int[][][] Make(int[] lengths, BatchOptions options, int epoch)
    {
        var random = options.Shuffle ? new Xoshiro256(options.Seed, epoch) : null;
        var order = new int[lengths.Length];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        random?.Shuffle(order.AsSpan());
        return options.Layout switch
        {
            BatchLayout.Packed => [.. Packed(order, lengths, options, random).Chunk(options.BatchSize)],
            BatchLayout.GroupedByLength => [.. Grouped(order, lengths, options.BatchSize, random)],
            _ => [.. Rows(order).Chunk(options.BatchSize)],
        };
    }

    private static IEnumerable<int[]> Rows(int[] order) => order.Select(i => new[] { i });

    private static IEnumerable<int[]> Packed(int[] order, int[] lengths, BatchOptions options, Xoshiro256? random)
    {
        foreach (var window in order.Chunk(options.PackingWindow))
        {
            var bins = FirstFitDecreasing.Pack(Array.ConvertAll(window, i => lengths[i]), options.RowLength);
            // Within a row, and over the rows where nothing is shuffled, what came first in the epoch stays first.
            foreach (var bin in bins) bin.Sort();
            var rows = bins.OrderBy(b => b[0]).Select(b => b.Select(i => window[i]).ToArray()).ToArray();
            random?.Shuffle(rows.AsSpan());
            foreach (var row in rows) yield return row;
        }
    }

    private static IEnumerable<int[][]> Grouped(int[] order, int[] lengths, int batchSize, Xoshiro256? random)
    {
        foreach (var group in order.Chunk(checked(batchSize * BatchesInGroup)))
        {
            var batches = Rows([.. group.OrderByDescending(i => lengths[i])]).Chunk(batchSize).ToArray();
            random?.Shuffle(batches.AsSpan());
            foreach (var batch in batches) yield return batch;
        }
    }
}
