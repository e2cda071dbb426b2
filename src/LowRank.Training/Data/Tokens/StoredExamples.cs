using System.Collections;
using LowRank.Training.Data.Tokens;

namespace LowRank.Training.Data;

/// <summary>Examples of a token file, in an order of their own: null where a row gave none. Tokens are read from the mapped file when they are asked for.</summary>
internal sealed class StoredExamples : IReadOnlyList<Example>
{
    private readonly TokenFile file;
    private readonly IReadOnlyList<DataRow> rows;
    // An entry of the file, and where in it a piece of a text begins.
    private readonly (int Entry, int Start)[] places;
    private readonly int maxLength;
    private readonly bool judges;

    /// <param name="file">The file.</param>
    /// <param name="rows">The rows of the file, by which an example finds its row.</param>
    /// <param name="indices">The rows that are meant.</param>
    /// <param name="options">How the examples were made. Texts are whole in the file, and become pieces here; preferences are pairs, and become judged answers where these are learned from.</param>
    public StoredExamples(TokenFile file, IReadOnlyList<DataRow> rows, int[] indices, ExampleOptions options)
    {
        (this.file, this.rows, maxLength, judges) = (file, rows, options.MaxLength, options.Use == RowUse.Judgements);
        places = [.. indices.SelectMany(Places)];
    }

    private StoredExamples(StoredExamples whole, (int Entry, int Start)[] places) => (file, rows, maxLength, judges, this.places) = (whole.file, whole.rows, whole.maxLength, whole.judges, places);

    public int Count => places.Length;

    // A row without an example is null here, as in a list of examples that are being built; Learnable leaves these out.
    public Example this[int index]
    {
        get
        {
            var (entry, start) = places[index];
            var found = file[entry];
            if (found.Length < 0) return null!;
            if (found.Length > maxLength)
            {
                var length = Math.Min(maxLength, found.Length - start);
                return new Example(this, entry, start, length, file.Supervised(entry).Slice(start + 1, length - 1).Count(true)) { Piece = start / (maxLength - 1) };
            }
            if (!HasTwo(entry)) return Answer(entry);
            var first = entry - entry % file.Answers;
            var pair = Answer(first, Answer(first + 1));
            return judges ? pair.Judged()[entry - first] : pair;
        }
    }

    /// <summary>Those that have something to learn.</summary>
    public StoredExamples Learnable() => new(this, [.. places.Where((_, i) => this[i] is { HasSupervised: true })]);

    public ReadOnlySpan<int> IdsOf(int entry) => file.Ids(entry);

    public ReadOnlySpan<bool> SupervisedOf(int entry) => file.Supervised(entry);

    public DataRow RowOf(int entry) => rows[entry / file.Answers];

    public IEnumerator<Example> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private IEnumerable<(int Entry, int Start)> Places(int row)
    {
        var entry = row * file.Answers;
        if (judges && HasTwo(entry)) return [(entry, 0), (entry + 1, 0)];
        return TextPieces.Of(file[entry].Length, maxLength).Select(piece => (entry, piece.Start));
    }

    // Of a file of preferences and judged answers some rows have one answer alone.
    private bool HasTwo(int entry) => file.Answers > 1 && file[entry - entry % file.Answers + 1].Length >= 0;

    private Example Answer(int entry, Example? rejected = null)
    {
        var found = file[entry];
        return new Example(this, entry, 0, found.Length, found.SupervisedTokens) { LostTokens = found.LostTokens, LostSupervisedTokens = found.LostSupervisedTokens, IsGood = found.IsGood, Rejected = rejected };
    }
}
