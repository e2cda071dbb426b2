using LowRank.Training.Events;

namespace LowRank.Training.Runs;

/// <summary>An end of a past run, or of the part of it that one process took.</summary>
/// <param name="Step">Steps taken by then.</param>
/// <param name="End">Why it ended.</param>
/// <param name="TrainLoss">Mean training loss of the last epoch; NaN where there was none.</param>
/// <param name="Seconds">Time in the process.</param>
/// <param name="TokensPerSecond">Its speed.</param>
/// <param name="PeakMiB">The highest resident memory, in MiB.</param>
/// <param name="PredictedMiB">What was expected of that; null where nothing was planned.</param>
internal sealed record RunEnding(long Step, RunEnd End, double TrainLoss, double Seconds, double TokensPerSecond, double PeakMiB, double? PredictedMiB);
