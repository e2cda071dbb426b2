namespace LowRank.Training.Packing;

/// <summary>
/// What one forward pass sees, as plain arrays in row-major order. Masking and padding are done here and nowhere else. Labels stand
/// at the token they name (label of token t is token t): the loss shifts them, comparing the logits at t with the label at t + 1.
/// </summary>
public sealed record Batch
{
    /// <summary>The label of a token that is not learned, as in PyTorch's cross-entropy.</summary>
    public const long IgnoredLabel = -100;

    /// <summary>Number of rows.</summary>
    public required int Rows { get; init; }

    /// <summary>Tokens in a row, padding included.</summary>
    public required int Length { get; init; }

    /// <summary>Token ids, [rows, length]; padding on the right.</summary>
    public required long[] InputIds { get; init; }

    /// <summary>
    /// The token itself where it is learned, else <see cref="IgnoredLabel"/>, [rows, length]. The first token of each sequence is never
    /// learned: what stands before it in a packed row is another sequence.
    /// </summary>
    public required long[] Labels { get; init; }

    /// <summary>Position of a token in its sequence, from 0, [rows, length]; 0 in padding.</summary>
    public required long[] Positions { get; init; }

    /// <summary>1 for the first sequence of a row, 2 for the second, …, 0 for padding, [rows, length]. Tokens attend within their number only.</summary>
    public required long[] SequenceIds { get; init; }

    /// <summary>How many labels are not <see cref="IgnoredLabel"/>; the loss is divided by it.</summary>
    public required int SupervisedTokens { get; init; }

    /// <summary>How many tokens are no padding.</summary>
    public required int Tokens { get; init; }

    /// <summary>How many preferences the batch holds: the rows of their better answers, and behind them in the same order the rows of the others. 0 without preferences.</summary>
    public int Pairs { get; init; }

    /// <summary>The examples in the batch, by their index, row after row; a preference once.</summary>
    public required IReadOnlyList<int> Examples { get; init; }

    /// <summary>True if some row holds more than one sequence, so that attention needs the sequence ids.</summary>
    public required bool IsPacked { get; init; }
}
