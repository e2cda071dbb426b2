namespace LowRank.Training.Trackers;

/// <summary>What was sent of a run to a tracker's server.</summary>
/// <param name="Tracker">The tracker.</param>
/// <param name="Run">The run by the name that the server knows.</param>
/// <param name="Path">Where it was read.</param>
/// <param name="Sent">Rows or items that were sent now; 0 where everything had been sent before.</param>
/// <param name="IsWhole">Whether the server has all of the run; false for one that has not ended.</param>
internal sealed record SyncResult(string Tracker, string Run, string Path, int Sent, bool IsWhole);
