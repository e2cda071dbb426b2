namespace LowRank.Training;

/// <summary>How fast the steps of this process are. The first step, which also warms up caches and threads, does not count once there are more.</summary>
internal sealed class Pace
{
    private (double Seconds, long Tokens) first;
    private (double Seconds, long Tokens) others;
    private int count;

    /// <summary>Tokens a second over the steps that count; 0 before the first.</summary>
    public double TokensPerSecond => count switch
    {
        0 => 0,
        1 => first.Tokens / first.Seconds,
        _ => others.Tokens / others.Seconds,
    };

    /// <summary>Adds a step.</summary>
    public void Add(double seconds, long tokens)
    {
        if (count++ == 0) first = (seconds, tokens);
        else others = (others.Seconds + seconds, others.Tokens + tokens);
    }

    /// <summary>What <paramref name="steps"/> more will take; null in the first two steps.</summary>
    public TimeSpan? TimeFor(long steps) => count < 3 ? null : TimeSpan.FromSeconds(others.Seconds / (count - 1) * steps);
}
