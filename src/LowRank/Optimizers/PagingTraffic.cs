namespace LowRank.Optimizers;

/// <summary>What one step moved between memory and the file of a paged state, measured.</summary>
/// <param name="InBytes">Bytes that were not in memory when the step needed them.</param>
/// <param name="OutBytes">Bytes that were written back and let go, by this process or by the system.</param>
public readonly record struct PagingTraffic(long InBytes, long OutBytes);
