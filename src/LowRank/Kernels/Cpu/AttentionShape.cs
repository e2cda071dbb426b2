namespace LowRank.Kernels.Cpu;

/// <summary>Sizes and rules of an attention over whole sequences.</summary>
/// <param name="Batch">Rows of the batch.</param>
/// <param name="Length">Queries of a row, and its keys where no cache is read.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads; each serves <c>Heads / KeyValueHeads</c> query heads that follow each other.</param>
/// <param name="HeadSize">Values of a head.</param>
/// <param name="Scale">Factor of the scores.</param>
/// <param name="SoftCap">c of c·tanh(score / c), or 0 for none.</param>
internal readonly record struct AttentionShape(int Batch, int Length, int Heads, int KeyValueHeads, int HeadSize, float Scale, float SoftCap)
{
    /// <summary>Keys of a row that are there: more than the queries where a cache is read.</summary>
    public int Keys { get; init; } = Length;

    /// <summary>Places for keys from one row of the batch to the next.</summary>
    public int KeyPlaces { get; init; } = Length;

    /// <summary>Query heads that share a key head.</summary>
    public int Group => Heads / KeyValueHeads;

    /// <summary>Distance of a head's values of one token to those of the next token, in queries and outputs.</summary>
    public int QueryRow => Heads * HeadSize;

    /// <summary>The same in keys and values.</summary>
    public int KeyRow => KeyValueHeads * HeadSize;
}
