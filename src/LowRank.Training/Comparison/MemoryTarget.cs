using LowRank.Training.Planning;

namespace LowRank.Training.Comparison;

/// <summary>A memory that people have, of which 80 % may be planned (the lecture's rule: keep a fifth free).</summary>
/// <param name="Name">What it is called in the table.</param>
/// <param name="Bytes">Its size.</param>
internal sealed record MemoryTarget(string Name, long Bytes)
{
    /// <summary>8 GB, the card of a free Colab (a T4), 24 GB.</summary>
    public static IReadOnlyList<MemoryTarget> All { get; } = [new("8 GB", 8_000_000_000), new("T4", DeviceMemory.Find("t4").Bytes), new("24 GB", 24_000_000_000)];

    /// <summary>Whether so much fits.</summary>
    public bool Holds(long bytes) => bytes <= MemoryBudget.UsableShare * Bytes;
}
