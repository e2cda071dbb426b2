namespace LowRank.Runtime;

/// <summary>
/// How fast this processor reads memory that no cache holds: the yardstick of generation, which reads all weights for each token. Best of 7 sums over 512 MiB on libtorch's threads,
/// after one more to warm up.
/// </summary>
public static class ReadBandwidth
{
    private const int Repetitions = 7;

    /// <summary>Measures it, in bytes a second; takes about half a second.</summary>
    public static double MeasureBytesPerSecond()
    {
        using var sum = new MemorySum();
        sum.Seconds();
        return MemorySum.Bytes / Enumerable.Range(0, Repetitions).Min(_ => sum.Seconds());
    }
}
