namespace LowRank.Training.Sweeps;

/// <summary>When runs are left out: successive halving (arXiv:1502.07943). Each round lasts as many times longer as runs are fewer, so that all rounds cost about the same.</summary>
/// <param name="Steps">The steps at which a round ends; the last is the end of the run.</param>
/// <param name="Left">For each of them the number of runs that are left after it.</param>
internal sealed record SweepPlan(IReadOnlyList<long> Steps, IReadOnlyList<int> Left)
{
    /// <summary>The plan for some runs.</summary>
    /// <param name="runs">How many there are.</param>
    /// <param name="totalSteps">Steps of a whole run.</param>
    /// <param name="keepOneIn">One in so many goes on.</param>
    /// <param name="rounds">How often runs are left out; null for as often as leaves one.</param>
    public static SweepPlan Of(int runs, long totalSteps, int keepOneIn, int? rounds)
    {
        var most = 0;
        for (var left = runs; left > 1; left = (left + keepOneIn - 1) / keepOneIn) most++;
        // A round has a step at least, and rounds that would end at the same step are one.
        var (steps, counts, alive) = (new List<long>(), new List<int>(), runs);
        var count = Math.Min(rounds ?? most, most);
        for (var round = 1; round <= count; round++)
        {
            alive = (alive + keepOneIn - 1) / keepOneIn;
            var at = Math.Max(1, (long)Math.Ceiling(totalSteps / Math.Pow(keepOneIn, count + 1 - round)));
            if (at >= totalSteps) break;
            if (steps.Count > 0 && steps[^1] == at) counts[^1] = alive;
            else
            {
                steps.Add(at);
                counts.Add(alive);
            }
        }
        return new SweepPlan([.. steps, totalSteps], [.. counts, counts.Count > 0 ? counts[^1] : runs]);
    }
}
