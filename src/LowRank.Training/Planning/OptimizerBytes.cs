using LowRank.Optimizers;

namespace LowRank.Training.Planning;

/// <summary>What the optimizer's state takes.</summary>
/// <param name="Resident">Bytes that must be in memory.</param>
/// <param name="Paged">Bytes in a mapped file, which leave memory when it runs short.</param>
/// <param name="Text">How it is kept, for the formula.</param>
public sealed record OptimizerBytes(long Resident, long Paged, string Text)
{
    /// <summary>The state of AdamW over these tensors.</summary>
    /// <param name="kind">fp32 or 8-bit moments.</param>
    /// <param name="paged">Whether they lie in a mapped file.</param>
    /// <param name="tensors">Elements of each trained tensor: small ones keep fp32 moments.</param>
    public static OptimizerBytes Of(OptimizerKind kind, bool paged, IEnumerable<long> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var (resident, outside) = (0L, 0L);
        foreach (var elements in tensors)
        {
            var (here, there) = OptimizerFootprint.Of(kind, paged, elements);
            (resident, outside) = (resident + here, outside + there);
        }
        return new(resident, outside, $"{(kind == OptimizerKind.AdamW8Bit ? "8-bit" : "fp32")} moments{(paged ? ", in a mapped file" : "")}");
    }
}
