namespace LowRank.Models.Merging;

/// <summary>Which weights an adapter is merged into.</summary>
public enum MergeBase
{
    /// <summary>Those that the adapter was trained on: with its record of a base in 4 bits, what the 4-bit codes stand for; else the weights of the checkpoint.</summary>
    Automatic,

    /// <summary>The weights of the checkpoint, whatever the adapter was trained on.</summary>
    Original,

    /// <summary>What the 4-bit codes stand for that training used. The adapter has learned to make up for their errors, which the original weights do not have.</summary>
    Dequantized,
}
