namespace LowRank.Training.Packing;

/// <summary>How sequences are put into the rows of a batch.</summary>
public enum BatchLayout
{
    /// <summary>One sequence a row, padded on the right to the longest of the batch, in the order of the epoch.</summary>
    Padded,

    /// <summary>As <see cref="Padded"/>, but sequences of like length share a batch, which saves padding. Their order is less random.</summary>
    GroupedByLength,

    /// <summary>
    /// Several whole sequences a row, up to the length of the row. Positions restart in each, and sequence ids tell them apart, so that
    /// attention does not reach from one into another.
    /// </summary>
    Packed,
}
