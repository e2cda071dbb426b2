namespace LowRank.Training.Sweeps;

/// <summary>Where a sweep stands.</summary>
/// <param name="Step">Steps taken.</param>
/// <param name="TotalSteps">Steps of a whole run.</param>
/// <param name="Runs">Runs that are trained now.</param>
/// <param name="Loss">The lowest loss of a run in this step.</param>
/// <param name="TokensPerSecond">Tokens of all runs together.</param>
/// <param name="Line">A line that stays, such as what a round decided; null for where it stands.</param>
internal sealed record SweepProgress(long Step, long TotalSteps, int Runs, double Loss, double TokensPerSecond, string? Line = null);
