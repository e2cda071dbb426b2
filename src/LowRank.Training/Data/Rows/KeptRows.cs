namespace LowRank.Training.Data.Rows;

/// <summary>Rows that are in memory.</summary>
internal sealed class KeptRows(IReadOnlyList<DataRow> rows, RowOrigin origin, long contentBytes) : RowList([origin], contentBytes)
{
    private readonly IReadOnlyList<DataRow> rows = rows;

    /// <inheritdoc/>
    public override int Count => rows.Count;

    /// <inheritdoc/>
    public override DataRow this[int index] => rows[index];

    /// <inheritdoc/>
    public override IReadOnlyList<(int Row, string Reason)> NothingToLearn => [.. rows.Index().Where(r => r.Item.NothingToLearn is not null).Select(r => (r.Index, r.Item.NothingToLearn!))];
}
