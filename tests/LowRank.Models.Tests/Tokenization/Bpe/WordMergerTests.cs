using CsCheck;
using LowRank.Models.Tokenization.Bpe;

namespace LowRank.Models.Tests.Tokenization.Bpe;

public class WordMergerTests
{
    /// <summary>Short words scan, long ones use a heap: both have to do what the definition says, written here as plainly as it is.</summary>
    [Fact]
    public void Merges_by_rank_and_from_the_left()
    {
        // Made-up merges over a small alphabet, so that many pairs compete.
        Gen.Select(Gen.Int[0, 7].Array[1, 200], Gen.Select(Gen.Int[0, 40], Gen.Int[0, 40]).Array[0, 60]).Sample((symbols, pairs) =>
        {
            var table = new MergeTable(4);
            var ranks = new Dictionary<(int, int), (int Rank, int Merged)>();
            for (var i = 0; i < pairs.Length; i++)
            {
                var (left, right) = (pairs[i].Item1 % (8 + i), pairs[i].Item2 % (8 + i));
                table.Add(left, right, i, 8 + i);
                ranks[(left, right)] = (i, 8 + i);
            }
            var merger = new WordMerger();
            merger.Clear();
            foreach (var s in symbols) merger.Add(s, 1);
            merger.Merge(table);
            var (ids, lengths) = Naive(symbols, ranks);
            Assert.Equal(ids, merger.Ids.ToArray());
            Assert.Equal(lengths, merger.Lengths.ToArray());
            Assert.Equal(ranks.Count, table.Count);
        }, iter: 3000);
    }

    private static (List<int> Ids, List<int> Lengths) Naive(int[] symbols, Dictionary<(int, int), (int Rank, int Merged)> ranks)
    {
        var ids = symbols.ToList();
        var lengths = symbols.Select(_ => 1).ToList();
        while (true)
        {
            var best = -1;
            for (var i = 0; i + 1 < ids.Count; i++)
                if (ranks.TryGetValue((ids[i], ids[i + 1]), out var m) && (best < 0 || m.Rank < ranks[(ids[best], ids[best + 1])].Rank)) best = i;
            if (best < 0) return (ids, lengths);
            ids[best] = ranks[(ids[best], ids[best + 1])].Merged;
            lengths[best] += lengths[best + 1];
            ids.RemoveAt(best + 1);
            lengths.RemoveAt(best + 1);
        }
    }
}
