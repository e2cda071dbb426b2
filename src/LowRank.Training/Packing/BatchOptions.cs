namespace LowRank.Training.Packing;

/// <summary>How examples become batches.</summary>
public sealed record BatchOptions
{
    /// <summary>Rows in a batch. Default 8. The last batch of an epoch may have fewer.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Default <see cref="BatchLayout.Padded"/>.</summary>
    public BatchLayout Layout { get; init; } = BatchLayout.Padded;

    /// <summary>Tokens a row of a packed batch can hold. Default 2048; with the other layouts ignored.</summary>
    public int RowLength { get; init; } = 2048;

    /// <summary>The width of a batch is rounded up to a multiple of this. Default 1, no rounding.</summary>
    public int PadToMultipleOf { get; init; } = 1;

    /// <summary>The token that fills rows. It is never attended to and never learned. Default 0.</summary>
    public int PadTokenId { get; init; }

    /// <summary>Whether each epoch has an order of its own (default), or the order of the file.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Decides all orders. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>
    /// How many examples, in the order of the epoch, are packed together. Default 2048: more fill the rows a little better and make the
    /// order less random. With the other layouts ignored.
    /// </summary>
    public int PackingWindow { get; init; } = 2048;

    /// <exception cref="ArgumentOutOfRangeException">A number is below 1.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(RowLength, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(PadToMultipleOf, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(PackingWindow, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(PadTokenId);
    }
}
