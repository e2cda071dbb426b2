using System.Collections;
using LowRank.Training.Data.Tokens;

namespace LowRank.Training.Data;

/// <summary>Examples of a token file, in an order of their own: null where a row gave none. Tokens are read from the mapped file when they are asked for.</summary>
/// <param name="file">The file.</param>
/// <param name="rows">The rows of the file, by which an example finds its row.</param>
/// <param name="indices">The rows that are meant.</param>
internal sealed class StoredExamples(TokenFile file, IReadOnlyList<DataRow> rows, int[] indices) : IReadOnlyList<Example>
{
    public int Count => indices.Length;

    // A row without an example is null here, as in a list of examples that are being built; Learnable leaves these out.
    public Example this[int index]
    {
        get
        {
            var entry = file[indices[index]];
            return entry.Length < 0 ? null! : new Example(this, indices[index], entry.Length, entry.SupervisedTokens) { LostTokens = entry.LostTokens, LostSupervisedTokens = entry.LostSupervisedTokens };
        }
    }

    /// <summary>Those that have something to learn.</summary>
    public StoredExamples Learnable() => new(file, rows, Array.FindAll(indices, i => file[i] is { Length: >= 0, SupervisedTokens: > 0 }));

    public ReadOnlySpan<int> IdsOf(int row) => file.Ids(row);

    public ReadOnlySpan<bool> SupervisedOf(int row) => file.Supervised(row);

    public DataRow RowOf(int row) => rows[row];

    public IEnumerator<Example> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
