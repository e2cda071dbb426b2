namespace LowRank.Training.Data;

/// <summary>
/// The tokens of one row and which of them are learned. Labels are not shifted here: a supervised token is one that the model is to
/// predict from those before it. Immutable and safe to read from many threads.
/// </summary>
public sealed class Example
{
    private readonly int[] inputIds;
    private readonly bool[] supervised;

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
        (this.inputIds, this.supervised, Row) = (inputIds, supervised, row);
        // Nothing stands before the first token, so nothing can predict it.
        SupervisedTokens = supervised.Length == 0 ? 0 : supervised.AsSpan(1).Count(true);
    }

    /// <summary>The token ids, [length].</summary>
    public ReadOnlySpan<int> InputIds => inputIds;

    /// <summary>For each token whether it is learned, [length].</summary>
    public ReadOnlySpan<bool> Supervised => supervised;

    /// <summary>The number of tokens.</summary>
    public int Length => inputIds.Length;

    /// <summary>How many tokens the loss counts: the supervised ones, the first token never among them.</summary>
    public int SupervisedTokens { get; }

    /// <summary>The row it was made from, or null.</summary>
    public DataRow? Row { get; }

    /// <summary>The answer of a preference that is preferred less, with its prompt; this example is the better one. Null without a preference.</summary>
    public Example? Rejected { get; init; }

    /// <summary>Tokens of the longer of both answers of a preference; else <see cref="Length"/>.</summary>
    internal int PairLength => Math.Max(Length, Rejected?.Length ?? 0);

    /// <summary>Whether truncation left a token to learn, of both answers where there are two.</summary>
    internal bool HasSupervised => SupervisedTokens > 0 && Rejected is not { SupervisedTokens: 0 };

    /// <summary>How many tokens were cut off on the right.</summary>
    public int LostTokens { get; init; }

    /// <summary>How many supervised tokens were cut off on the right.</summary>
    public int LostSupervisedTokens { get; init; }
}
