using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using LowRank.Training.Events;

namespace LowRank.Training.Trackers;

/// <summary>
/// The trackers of a run, fed from its events. They can neither stop nor slow it: each has a queue and a thread of its own, a failure is a warning in the run's own stream, told
/// once, and at the end all of them together have <see cref="EndLimit"/>.
/// </summary>
/// <param name="keep">Keeps a warning that comes when the trainer has no events any more.</param>
internal sealed class RunTrackers(Action<TrainingEvent> keep) : IDisposable
{
    private readonly List<TrackerWorker> workers = [];
    private readonly ConcurrentQueue<string> warnings = new();
    private RunEnd? end;
    private long step;
    private bool isClosed;

    /// <summary>How long the end of a run waits for its trackers.</summary>
    public TimeSpan EndLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a checkpoint waits for the trackers, all of them together.</summary>
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(1);

    /// <summary>Adds a tracker; it is opened on its own thread when the first event comes.</summary>
    public void Add(string name, Func<Action<string>, ITracker> open) => workers.Add(new TrackerWorker(name, open, warnings.Enqueue));

    /// <summary>Sees every event, on the trainer's thread.</summary>
    public void Write(TrainingEvent e)
    {
        step = e.Step;
        if (e is RunCompleted completed) end = completed.End;
        if (workers.Count == 0) return;
        var tracked = new TrackedEvent(e, TimeProvider.System.GetUtcNow());
        foreach (var worker in workers) worker.Post(tracked);
    }

    /// <summary>
    /// Has everything handed on before a checkpoint is taken, on the trainer's thread: a run that is killed behind the checkpoint goes on from there, and would not tell again what came before.
    /// </summary>
    public void Settle()
    {
        foreach (var worker in workers) worker.BeginSettle();
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        foreach (var worker in workers) worker.Settle(SettleLimit - System.Diagnostics.Stopwatch.GetElapsedTime(start) is { Ticks: > 0 } left ? left : TimeSpan.Zero);
    }

    /// <summary>A warning that a tracker left since, or null.</summary>
    public RunWarning? Next() => warnings.TryDequeue(out var message) ? new RunWarning(message) : null;

    /// <summary>
    /// A run's events as they come; before the last one, or before the run's error is thrown on, the trackers are brought to their end. What they had to say comes before it too.
    /// </summary>
    public async IAsyncEnumerable<TrainingEvent> FollowAsync(IAsyncEnumerable<TrainingEvent> events, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        RunCompleted? completed = null;
        ExceptionDispatchInfo? failure = null;
        var reader = events.GetAsyncEnumerator(cancellation);
        try
        {
            while (true)
            {
                try
                {
                    if (!await reader.MoveNextAsync().ConfigureAwait(false)) break;
                }
                catch (Exception error)
                {
                    failure = ExceptionDispatchInfo.Capture(error);
                    break;
                }
                if (reader.Current is RunCompleted last) completed = last;
                else yield return reader.Current;
            }
            foreach (var warning in await Task.Run(Close, CancellationToken.None).ConfigureAwait(false)) yield return warning;
        }
        finally
        {
            // Who stops reading cancels the run: the trainer's last event has been seen when this returns.
            await reader.DisposeAsync().ConfigureAwait(false);
            await Task.Run(Close, CancellationToken.None).ConfigureAwait(false);
        }
        failure?.Throw();
        if (completed is not null) yield return completed;
    }

    /// <summary>Brings the trackers to their end, once.</summary>
    /// <returns>What they had to say and nobody has taken.</returns>
    internal IReadOnlyList<RunWarning> Close()
    {
        if (isClosed) return [];
        isClosed = true;
        var now = TimeProvider.System.GetUtcNow();
        using var limit = new CancellationTokenSource(EndLimit);
        foreach (var worker in workers) worker.BeginEnd(end, now, limit.Token);
        // A tracker that heeds the limit still has a moment to say so.
        foreach (var worker in workers) worker.Join(now + EndLimit + TimeSpan.FromSeconds(1) - TimeProvider.System.GetUtcNow() is { Ticks: > 0 } left ? left : TimeSpan.Zero);
        var late = new List<RunWarning>();
        while (Next() is { } warning) late.Add(warning with { Step = step });
        foreach (var warning in late) keep(warning);
        return late;
    }

    /// <inheritdoc/>
    public void Dispose() => Close();
}
