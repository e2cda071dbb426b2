using LowRank.Training.Events;

namespace LowRank.Training.Trackers;

/// <summary>
/// Keeps a run somewhere else. All calls come from one thread of the tracker's own (<see cref="TrackerWorker"/>), never from the trainer's. What it throws ends this tracker,
/// not the run.
/// </summary>
internal interface ITracker : IDisposable
{
    /// <summary>Takes an event. Events come in order, the first of a process is <see cref="RunStarted"/>.</summary>
    void Write(in TrackedEvent tracked);

    /// <summary>Hands on what was taken. Called some times a second while there is something.</summary>
    void Flush();

    /// <summary>A checkpoint is about to be taken. A process that is killed afterwards goes on behind it, so everything taken up to now must be where readers find it.</summary>
    void Settle() => Flush();

    /// <summary>No event comes any more: hands on everything.</summary>
    /// <param name="end">How the run ended; null where it broke off with an error.</param>
    /// <param name="time">When, in UTC.</param>
    /// <param name="limit">Is cancelled when the program will wait no longer.</param>
    void End(RunEnd? end, DateTimeOffset time, CancellationToken limit);
}
