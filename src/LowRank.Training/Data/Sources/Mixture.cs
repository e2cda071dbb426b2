using LowRank.RandomNumbers;
using LowRank.Training.Data.Rows;

namespace LowRank.Training.Data.Sources;

/// <summary>
/// How several sources are mixed. An epoch has as many rows as the sources have together, N; source i with weight w_i gives n_i of them, N · w_i ÷ Σw, rounded so that
/// they add up to N (largest remainder; of equal ones the earlier source). A source of m rows gives all of them ⌊n_i ÷ m⌋ times, and of the rest n_i mod m rows chosen by
/// the seed, the same in every epoch, in the order of the source. Row t of the mixture, before any shuffling, is the next of the source that is furthest behind its share:
/// the largest n_i · (t + 1) − N · taken_i, of equal ones the earlier source.
/// </summary>
/// <param name="Starts">The first row of each source in the list of all, and behind the last source the number of rows.</param>
/// <param name="Weights">The weight of each source.</param>
/// <param name="Names">What the sources are called.</param>
internal sealed record Mixture(int[] Starts, double[] Weights, IReadOnlyList<string> Names)
{
    /// <summary>The rows of an epoch.</summary>
    /// <param name="rows">Rows of the joined sources, in their order; some may be held back.</param>
    /// <param name="seed">Decides which rows of a source are taken once more than the others.</param>
    /// <exception cref="LowRankException">A source has no rows left.</exception>
    public RowView Apply(IReadOnlyList<DataRow> rows, long seed)
    {
        var (root, indices) = RowView.Of(rows);
        var sources = Weights.Select((_, i) => Array.FindAll(indices, r => r >= Starts[i] && r < Starts[i + 1])).ToArray();
        if (Array.FindIndex(sources, s => s.Length == 0) is >= 0 and var empty)
            throw new LowRankException($"{Names[empty]} has no rows left for the mixture: all of them are held back. Hold back fewer, or leave it out.");
        var counts = Counts(indices.Length);
        var chosen = sources.Select((s, i) => Repeat(s, counts[i], new Xoshiro256(seed, -2 - i))).ToArray();
        return new RowView(root, Interleave(chosen, counts, indices.Length));
    }

    /// <summary>Rows that each source gives to an epoch of <paramref name="rows"/>.</summary>
    public int[] Counts(int rows)
    {
        var total = Weights.Sum();
        var exact = Array.ConvertAll(Weights, w => rows * (w / total));
        var counts = Array.ConvertAll(exact, e => (int)Math.Floor(e));
        foreach (var i in Enumerable.Range(0, counts.Length).OrderByDescending(i => exact[i] - Math.Floor(exact[i])).ThenBy(i => i).Take(rows - counts.Sum()).ToArray()) counts[i]++;
        return counts;
    }

    private static int[] Repeat(int[] rows, int count, Xoshiro256 random)
    {
        var taken = Enumerable.Repeat(rows, count / rows.Length).SelectMany(r => r);
        var order = Enumerable.Range(0, rows.Length).ToArray();
        random.Shuffle(order.AsSpan());
        return [.. taken, .. order[..(count % rows.Length)].Order().Select(i => rows[i])];
    }

    private static int[] Interleave(int[][] sources, int[] counts, int rows)
    {
        var mixed = new int[rows];
        var taken = new int[sources.Length];
        for (var t = 0; t < rows; t++)
        {
            var (next, most) = (-1, long.MinValue);
            for (var i = 0; i < sources.Length; i++)
            {
                var behind = (long)counts[i] * (t + 1) - (long)rows * taken[i];
                if (taken[i] < counts[i] && behind > most) (next, most) = (i, behind);
            }
            mixed[t] = sources[next][taken[next]++];
        }
        return mixed;
    }
}
