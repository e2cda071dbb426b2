using System.Numerics;

namespace LowRank.Training.Packing;

/// <summary>
/// Bin packing: the longest sequence first, each into the first row that still has room. Uses at most 11/9 of the fewest rows
/// possible (plus 6/9; Dósa 2007). A tree of the largest room per range of rows finds that row in logarithmic time.
/// </summary>
internal static class FirstFitDecreasing
{
    /// <summary>The rows, each a list of indices into <paramref name="lengths"/>; sequences of equal length keep their order.</summary>
    /// <param name="lengths">The length of each sequence, none above <paramref name="capacity"/>.</param>
    /// <param name="capacity">The length of a row.</param>
    public static List<List<int>> Pack(ReadOnlySpan<int> lengths, int capacity)
    {
        var order = new int[lengths.Length];
        var keys = new long[lengths.Length];
        for (var i = 0; i < order.Length; i++) (order[i], keys[i]) = (i, ((long)-lengths[i] << 32) + i);
        Array.Sort(keys, order);

        var leaves = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, lengths.Length));
        // room[1] is the root; the rooms of the rows are leaves, all of them empty rows at first, so a fitting one always exists.
        var room = new int[2 * leaves];
        Array.Fill(room, capacity);
        var rows = new List<List<int>>();
        foreach (var index in order)
        {
            var node = 1;
            while (node < leaves) node = room[2 * node] >= lengths[index] ? 2 * node : 2 * node + 1;
            var row = node - leaves;
            if (row == rows.Count) rows.Add([]);
            rows[row].Add(index);
            room[node] -= lengths[index];
            for (node /= 2; node >= 1; node /= 2) room[node] = Math.Max(room[2 * node], room[2 * node + 1]);
        }
        return rows;
    }
}
