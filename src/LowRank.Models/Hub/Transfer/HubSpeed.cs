namespace LowRank.Models.Hub.Transfer;

/// <summary>Bytes a second over the last seconds. Not safe for many threads at once.</summary>
internal sealed class HubSpeed(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);
    private readonly Queue<(long At, long Bytes)> seen = new();
    private long sum;

    /// <summary>Adds bytes that have just arrived and gives the speed.</summary>
    public double Add(long bytes)
    {
        var now = time.GetTimestamp();
        seen.Enqueue((now, bytes));
        sum += bytes;
        while (seen.Count > 2 && time.GetElapsedTime(seen.Peek().At, now) > Window) sum -= seen.Dequeue().Bytes;
        var (first, firstBytes) = seen.Peek();
        var seconds = time.GetElapsedTime(first, now).TotalSeconds;
        // The first bytes came before the time that is measured.
        return seconds > 0 ? (sum - firstBytes) / seconds : 0;
    }
}
