using System.Threading.Channels;
using LowRank.Training.Events;

namespace LowRank.Training.Trackers;

/// <summary>
/// A tracker with a queue and a thread of its own. What the training step pays is <see cref="Post"/>: one write into a ring that exists already. It takes no lock for longer than
/// that, allocates nothing and wakes nobody: the thread looks by itself a few times a second. A tracker that fails or falls behind loses its own data only.
/// </summary>
internal sealed class TrackerWorker
{
    /// <summary>Events that may wait: minutes of steps, a megabyte of references and small records.</summary>
    internal const int QueueLength = 8192;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private readonly Channel<TrackedEvent> queue = Channel.CreateBounded<TrackedEvent>(new BoundedChannelOptions(QueueLength) { SingleReader = true, SingleWriter = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly AutoResetEvent look = new(false);
    private readonly ManualResetEventSlim settled = new(initialState: true);
    private readonly string name;
    private readonly Func<Action<string>, ITracker> open;
    private readonly Action<string> warn;
    private readonly Thread thread;
    private volatile bool hasFailed, isEnding, isSettling;
    private bool isStarted, isSlow;
    private int warned, lost;
    private (RunEnd? End, DateTimeOffset Time, CancellationToken Limit) last;

    /// <param name="name">The tracker's name, for warnings.</param>
    /// <param name="open">Opens it, on its own thread; is given what tells a person of a problem.</param>
    /// <param name="warn">Takes the one warning that there is at most.</param>
    public TrackerWorker(string name, Func<Action<string>, ITracker> open, Action<string> warn)
    {
        (this.name, this.open, this.warn) = (name, open, warn);
        thread = new Thread(Work) { IsBackground = true, Name = $"LowRank tracker {name}" };
    }

    /// <summary>Hands over an event and returns at once. Called by the trainer's thread only.</summary>
    public void Post(in TrackedEvent tracked)
    {
        if (hasFailed) return;
        if (!queue.Writer.TryWrite(tracked) && Interlocked.Increment(ref lost) == 1)
            Warn($"it is too slow for this run: more than {QueueLength} events wait for it, and further ones are lost there. metrics.jsonl has them all.");
        if (isStarted) return;
        isStarted = true;
        thread.Start();
    }

    /// <summary>Tells that no event comes any more.</summary>
    public void BeginEnd(RunEnd? end, DateTimeOffset time, CancellationToken limit)
    {
        last = (end, time, limit);
        isEnding = true;
        look.Set();
    }

    /// <summary>Asks for everything that was posted to be handed on. Called by the trainer's thread only.</summary>
    public void BeginSettle()
    {
        if (!isStarted || hasFailed || isSlow) return;
        settled.Reset();
        isSettling = true;
        look.Set();
    }

    /// <summary>Waits until that is done. One that was too slow once is not waited for again.</summary>
    public void Settle(TimeSpan longest) => isSlow |= !settled.Wait(longest);

    /// <summary>Waits for the thread; the one that does not come is left behind, and ends with the program.</summary>
    public void Join(TimeSpan longest)
    {
        if (isStarted && !thread.Join(longest))
            Warn("it did not finish in time; what it still had is lost there. metrics.jsonl has everything.");
    }

    private void Work()
    {
        try
        {
            using var tracker = open(Warn);
            bool isLast;
            do
            {
                look.WaitOne(Interval);
                // Both before the queue is read: what was posted before they were asked for is in it.
                isLast = isEnding;
                var settles = isSettling;
                var any = false;
                while (queue.Reader.TryRead(out var tracked))
                {
                    tracker.Write(tracked);
                    any = true;
                }
                if (settles)
                {
                    isSettling = false;
                    tracker.Settle();
                    settled.Set();
                }
                else if (any && !isLast) tracker.Flush();
            }
            while (!isLast);
            tracker.End(last.End, last.Time, last.Limit);
        }
        // Whatever it is, it must not end the process from a thread of ours; it is told, once.
        catch (Exception error)
        {
            hasFailed = true;
            settled.Set();
            Warn($"{error.Message.TrimEnd('.')}. The run goes on without it; metrics.jsonl has everything.");
        }
    }

    private void Warn(string message)
    {
        if (Interlocked.Exchange(ref warned, 1) == 0) warn($"tracker {name}: {message}");
    }
}
