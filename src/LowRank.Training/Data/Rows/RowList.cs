using System.Collections;

namespace LowRank.Training.Data.Rows;

/// <summary>Rows of files, kept or read again when they are asked for. Safe to read from many threads.</summary>
internal abstract class RowList(IReadOnlyList<RowOrigin> origins, long contentBytes) : IReadOnlyList<DataRow>
{
    /// <summary>The files, in the order of their rows; none for rows of the program.</summary>
    public IReadOnlyList<RowOrigin> Origins => origins;

    /// <summary>Bytes of the files' content.</summary>
    public long ContentBytes => contentBytes;

    /// <summary>Rows that hold nothing to learn, and why, in their order.</summary>
    public abstract IReadOnlyList<(int Row, string Reason)> NothingToLearn { get; }

    public abstract int Count { get; }

    public abstract DataRow this[int index] { get; }

    public IEnumerator<DataRow> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
