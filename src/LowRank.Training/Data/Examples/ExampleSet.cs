namespace LowRank.Training.Data;

/// <summary>The examples of a data set and what was lost on the way.</summary>
/// <param name="Examples">In the order of the rows; dropped ones are missing.</param>
/// <param name="Truncation">What was cut off.</param>
public sealed record ExampleSet(IReadOnlyList<Example> Examples, TruncationReport Truncation)
{
    /// <summary>What is odd about rows with this model, though they can be learned from.</summary>
    public IReadOnlyList<Problem> Warnings { get; init; } = [];

    /// <summary>Plain texts that were longer than an example may be and became several.</summary>
    public int SplitTexts => Examples.Count(e => e.Piece == 1);

    /// <summary>All tokens.</summary>
    public long Tokens => Examples.Sum(e => (long)e.Length);

    /// <summary>The tokens that the loss counts.</summary>
    public long SupervisedTokens => Examples.Sum(e => (long)e.SupervisedTokens);
}
