namespace LowRank.Training.Data;

/// <summary>
/// The tokens of one row and which of them are learned. Labels are not shifted here: a supervised token is one that the model is to
/// predict from those before it. Immutable and safe to read from many threads.
/// </summary>
public sealed class Example
{
    private readonly int[]? inputIds;
    private readonly bool[]? supervised;
    private readonly DataRow? row;
    private readonly StoredExamples? store;
    private readonly int index, start;

    /// <summary>An example of given tokens. The arrays are kept, not copied.</summary>
    /// <param name="inputIds">The token ids, [length].</param>
    /// <param name="supervised">For each token whether it is learned, [length].</param>
    /// <param name="row">The row it was made from, or null.</param>
    /// <exception cref="ArgumentException">The arrays differ in length.</exception>
    public Example(int[] inputIds, bool[] supervised, DataRow? row = null)
    {
        ArgumentNullException.ThrowIfNull(inputIds);
        ArgumentNullException.ThrowIfNull(supervised);
        if (inputIds.Length != supervised.Length)
            throw new ArgumentException($"{supervised.Length} marks for {inputIds.Length} tokens", nameof(supervised));
        (this.inputIds, this.supervised, this.row, Length) = (inputIds, supervised, row, inputIds.Length);
        // Nothing stands before the first token, so nothing can predict it.
        SupervisedTokens = supervised.Length == 0 ? 0 : supervised.AsSpan(1).Count(true);
    }

    /// <summary>An example whose tokens lie in a mapped file; they are read when they are asked for.</summary>
    internal Example(StoredExamples store, int index, int start, int length, int supervisedTokens) => (this.store, this.index, this.start, Length, SupervisedTokens) = (store, index, start, length, supervisedTokens);

    private Example(Example whole)
    {
        (Length, SupervisedTokens, LostTokens, LostSupervisedTokens, Piece) = (whole.Length, whole.SupervisedTokens, whole.LostTokens, whole.LostSupervisedTokens, whole.Piece);
        row = SupervisedTokens == 0 ? whole.Row : null;
    }

    /// <summary>The numbers alone, and the row where it is one that is left out: for counting rows that do not fit into memory.</summary>
    internal Example WithoutTokens() => new(this);

    private Example(Example side, bool isGood, int lostTokens, int lostSupervisedTokens)
    {
        (inputIds, supervised, row, Length, SupervisedTokens) = (side.inputIds, side.supervised, side.row, side.Length, side.SupervisedTokens);
        (store, index, start) = (side.store, side.index, side.start);
        (IsGood, LostTokens, LostSupervisedTokens) = (isGood, lostTokens, lostSupervisedTokens);
    }

    /// <summary>Both answers of a preference as examples of their own, the better one judged good, the other bad.</summary>
    internal Example[] Judged()
    {
        var other = Rejected ?? throw new InvalidOperationException("only a preference has two answers");
        return [new(this, true, LostTokens - other.LostTokens, LostSupervisedTokens - other.LostSupervisedTokens), new(other, false, other.LostTokens, other.LostSupervisedTokens)];
    }

    /// <summary>The token ids, [length].</summary>
    public ReadOnlySpan<int> InputIds => store is null ? inputIds : store.IdsOf(index).Slice(start, Length);

    /// <summary>For each token whether it is learned, [length].</summary>
    public ReadOnlySpan<bool> Supervised => store is null ? supervised : store.SupervisedOf(index).Slice(start, Length);

    /// <summary>The number of tokens.</summary>
    public int Length { get; }

    /// <summary>How many tokens the loss counts: the supervised ones, the first token never among them.</summary>
    public int SupervisedTokens { get; }

    /// <summary>The row it was made from, or null.</summary>
    public DataRow? Row => store is null ? row : store.RowOf(index);

    /// <summary>The answer of a preference that is preferred less, with its prompt; this example is the better one. Null without a preference.</summary>
    public Example? Rejected { get; init; }

    /// <summary>Whether the answer is a good one, where it was judged (KTO); else null.</summary>
    public bool? IsGood { get; init; }

    /// <summary>Tokens of the longer of both answers of a preference; else <see cref="Length"/>.</summary>
    internal int PairLength => Math.Max(Length, Rejected?.Length ?? 0);

    /// <summary>Whether truncation left a token to learn, of both answers where there are two.</summary>
    internal bool HasSupervised => SupervisedTokens > 0 && Rejected is not { SupervisedTokens: 0 };

    /// <summary>The number of the piece, from 0, where a long text was split into several.</summary>
    internal int Piece { get; init; }

    /// <summary>How many tokens were cut off on the right.</summary>
    public int LostTokens { get; init; }

    /// <summary>How many supervised tokens were cut off on the right.</summary>
    public int LostSupervisedTokens { get; init; }
}
