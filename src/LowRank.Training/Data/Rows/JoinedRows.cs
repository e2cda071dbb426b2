namespace LowRank.Training.Data.Rows;

/// <summary>The rows of several lists, one list after the other.</summary>
internal sealed class JoinedRows : RowList
{
    private readonly IReadOnlyList<RowList> lists;
    private readonly int[] starts;

    public JoinedRows(IReadOnlyList<RowList> lists) : base([.. lists.SelectMany(l => l.Origins)], lists.Sum(l => l.ContentBytes))
    {
        this.lists = lists;
        starts = new int[lists.Count];
        foreach (var (i, list) in lists.Index())
        {
            starts[i] = Count;
            Count = checked(Count + list.Count);
        }
    }

    /// <summary>Whether all rows are in memory.</summary>
    public bool IsKept => lists.All(l => l is KeptRows or JoinedRows { IsKept: true });

    /// <inheritdoc/>
    public override int Count { get; }

    /// <inheritdoc/>
    public override DataRow this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            var list = Array.BinarySearch(starts, index) is >= 0 and var exact ? exact : -1;
            // Of lists that begin at the same row all but the last are empty.
            if (list < 0) list = ~Array.BinarySearch(starts, index) - 1;
            while (list + 1 < starts.Length && starts[list + 1] == index) list++;
            return lists[list][index - starts[list]];
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(int Row, string Reason)> NothingToLearn => [.. lists.Index().SelectMany(l => l.Item.NothingToLearn.Select(n => (starts[l.Index] + n.Row, n.Reason)))];
}
