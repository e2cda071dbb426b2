using System.Collections;
using LowRank.Training.Data.Tokens;

namespace LowRank.Training.Data;

/// <summary>Examples of a token file, in an order of their own: null where a row gave none. Tokens are read from the mapped file when they are asked for.</summary>
internal sealed class StoredExamples : IReadOnlyList<Example>
{
    private readonly TokenFile file;
    private readonly IReadOnlyList<DataRow> rows;
    private readonly (int Row, int Start)[] places;
    private readonly int maxLength;

    /// <param name="file">The file.</param>
    /// <param name="rows">The rows of the file, by which an example finds its row.</param>
    /// <param name="indices">The rows that are meant.</param>
    /// <param name="maxLength">The most tokens of an example. Texts are whole in the file, and become pieces here.</param>
    public StoredExamples(TokenFile file, IReadOnlyList<DataRow> rows, int[] indices, int maxLength)
        : this(file, rows, [.. indices.SelectMany(row => TextPieces.Of(file[row].Length, maxLength).Select(piece => (row, piece.Start)))], maxLength)
    {
    }

    private StoredExamples(TokenFile file, IReadOnlyList<DataRow> rows, (int Row, int Start)[] places, int maxLength) =>
        (this.file, this.rows, this.places, this.maxLength) = (file, rows, places, maxLength);

    public int Count => places.Length;

    // A row without an example is null here, as in a list of examples that are being built; Learnable leaves these out.
    public Example this[int index]
    {
        get
        {
            var (row, start) = places[index];
            var entry = file[row];
            if (entry.Length < 0) return null!;
            if (entry.Length <= maxLength) return new Example(this, row, 0, entry.Length, entry.SupervisedTokens) { LostTokens = entry.LostTokens, LostSupervisedTokens = entry.LostSupervisedTokens };
            var length = Math.Min(maxLength, entry.Length - start);
            return new Example(this, row, start, length, file.Supervised(row).Slice(start + 1, length - 1).Count(true)) { Piece = start / (maxLength - 1) };
        }
    }

    /// <summary>Those that have something to learn.</summary>
    public StoredExamples Learnable() => new(file, rows, [.. places.Where((_, i) => this[i] is { SupervisedTokens: > 0 })], maxLength);

    public ReadOnlySpan<int> IdsOf(int row) => file.Ids(row);

    public ReadOnlySpan<bool> SupervisedOf(int row) => file.Supervised(row);

    public DataRow RowOf(int row) => rows[row];

    public IEnumerator<Example> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
