using System.Collections;

namespace LowRank.Training.Data.Rows;

/// <summary>Chosen rows of a list, in an order of their own; a row may stand in it more than once. A view of a view leads to the list itself.</summary>
internal sealed class RowView : IReadOnlyList<DataRow>
{
    public RowView(IReadOnlyList<DataRow> rows, int[] indices) =>
        (Root, Indices) = rows is RowView view ? (view.Root, Array.ConvertAll(indices, i => view.Indices[i])) : (rows, indices);

    /// <summary>The list that the rows are of.</summary>
    public IReadOnlyList<DataRow> Root { get; }

    /// <summary>The places of the rows in <see cref="Root"/>.</summary>
    public int[] Indices { get; }

    public int Count => Indices.Length;

    public DataRow this[int index] => Root[Indices[index]];

    /// <summary>A list as the list behind it and places in that.</summary>
    public static (IReadOnlyList<DataRow> Root, int[] Indices) Of(IReadOnlyList<DataRow> rows) =>
        rows is RowView view ? (view.Root, view.Indices) : (rows, [.. Enumerable.Range(0, rows.Count)]);

    /// <summary>The first rows.</summary>
    public static RowView First(IReadOnlyList<DataRow> rows, int count) => new(rows, [.. Enumerable.Range(0, Math.Min(count, rows.Count))]);

    public IEnumerator<DataRow> GetEnumerator()
    {
        foreach (var index in Indices) yield return Root[index];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
