namespace LowRank.Optimizers;

/// <summary>What an optimizer's state weighs, by formula: for planning before anything is allocated.</summary>
public static class OptimizerFootprint
{
    /// <summary>The bytes of the moments of one trained tensor.</summary>
    /// <param name="kind">How the moments are kept.</param>
    /// <param name="paged">Whether they are kept in a mapped file.</param>
    /// <param name="elements">Elements of the tensor: small ones keep fp32 moments whatever the kind. A sum over many tensors may be given for an estimate.</param>
    /// <returns>
    /// Bytes of anonymous memory, which must be there, and bytes of a mapped file, which occupy memory as long as nobody else needs it. One of the two is 0.
    /// </returns>
    public static (long ResidentBytes, long PagedBytes) Of(OptimizerKind kind, bool paged, long elements)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elements);
        var blocks = (elements + MomentLayout.BlockSize - 1) / MomentLayout.BlockSize;
        var bytes = kind == OptimizerKind.AdamW8Bit && elements >= MomentLayout.LeastQuantized
            ? 2 * blocks * (MomentLayout.BlockSize + sizeof(float))
            : 2 * elements * sizeof(float);
        return paged ? (0, bytes) : (bytes, 0);
    }
}
