namespace LowRank.Kernels.Cpu;

/// <summary>A block of queries of one head, and the keys that any of them sees.</summary>
internal readonly unsafe struct AttentionBlock
{
    // Keys begin at a whole strip of the packed operand, and rows of scores at whole vectors.
    private const int Step = 16;

    private readonly int* firsts;
    private readonly int* ends;
    private readonly int place;

    /// <summary>The block of at most <paramref name="most"/> queries from <paramref name="start"/>.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="head">Query head of the batch, row by row.</param>
    /// <param name="start">First query.</param>
    /// <param name="most">Queries at most.</param>
    /// <param name="first">The first key that each query sees, <c>[batch, length]</c>.</param>
    /// <param name="places">The key of each row's first query, <c>[batch]</c>; null where it is the first key.</param>
    public AttentionBlock(AttentionShape shape, long head, int start, int most, int* first, int* places)
    {
        var (b, h) = (head / shape.Heads, head % shape.Heads);
        place = start + (places is null ? 0 : places[b]);
        ends = null;
        firsts = first + b * shape.Length + start;
        Queries = Math.Min(most, shape.Length - start);
        var least = firsts[0];
        for (var i = 1; i < Queries; i++) least = Math.Min(least, firsts[i]);
        FirstKey = least / Step * Step;
        Keys = place + Queries - FirstKey;
        Row = Padded(Keys);
        QueryOffset = ((b * shape.Length + start) * shape.Heads + h) * shape.HeadSize;
        KeyHead = b * shape.KeyValueHeads + h / shape.Group;
        KeyOffset = ((b * shape.KeyPlaces + FirstKey) * shape.KeyValueHeads + h / shape.Group) * shape.HeadSize;
        LogSumOffset = head * shape.Length + start;
    }

    /// <summary>The same queries over the keys that some of them see before their own sequence; without keys where none does.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="own">The block over the keys of the queries' own sequences.</param>
    /// <param name="head">Query head of the batch, row by row.</param>
    /// <param name="start">First query.</param>
    /// <param name="starts">The first shared key of each query, <c>[batch, length]</c>.</param>
    /// <param name="ends">What follows its last one; where it is not above the first, the query sees none.</param>
    public AttentionBlock(AttentionShape shape, in AttentionBlock own, long head, int start, int* starts, int* ends)
    {
        this = own;
        var row = head / shape.Heads * shape.Length + start;
        firsts = starts + row;
        this.ends = ends + row;
        var (least, most) = (int.MaxValue, 0);
        for (var i = 0; i < Queries; i++)
            if (this.ends[i] > firsts[i]) (least, most) = (Math.Min(least, firsts[i]), Math.Max(most, this.ends[i]));
        FirstKey = most == 0 ? 0 : least / Step * Step;
        (Keys, Row) = (most - FirstKey, Padded(most - FirstKey));
        KeyOffset = own.KeyOffset + (long)(FirstKey - own.FirstKey) * shape.KeyRow;
    }

    /// <summary>Number of queries.</summary>
    public int Queries { get; }

    /// <summary>The first key of the block.</summary>
    public int FirstKey { get; }

    /// <summary>Number of keys.</summary>
    public int Keys { get; }

    /// <summary>Floats from a row of scores to the next.</summary>
    public int Row { get; }

    /// <summary>Where the queries begin.</summary>
    public long QueryOffset { get; }

    /// <summary>The key head, of all in the batch.</summary>
    public long KeyHead { get; }

    /// <summary>Where the keys begin.</summary>
    public long KeyOffset { get; }

    /// <summary>Where the logarithms of the sums begin.</summary>
    public long LogSumOffset { get; }

    /// <summary>The keys that a query sees, counted from <see cref="FirstKey"/>.</summary>
    public (int Start, int End) Visible(int query)
    {
        if (ends is null) return (firsts[query] - FirstKey, place + query + 1 - FirstKey);
        return ends[query] > firsts[query] ? (firsts[query] - FirstKey, ends[query] - FirstKey) : (0, 0);
    }

    /// <summary>A length in whole steps.</summary>
    public static int Padded(int keys) => (keys + Step - 1) / Step * Step;
}
