using System.Diagnostics;
using LowRank.Training.Events;
using LowRank.Training.Trackers;

namespace LowRank.Training.Tests.Trackers;

/// <summary>Trackers that fail, hang or are slow beside one that works.</summary>
public sealed class RunTrackersTests
{
    private readonly List<TrainingEvent> kept = [];

    private sealed class Sound : ITracker
    {
        public List<long> Steps { get; } = [];

        public (bool IsEnded, RunEnd? End) Ended { get; private set; }

        public Action<long>? OnStep { get; init; }

        public Action? OnEnd { get; init; }

        public void Write(in TrackedEvent tracked)
        {
            if (tracked.Event is not StepCompleted) return;
            OnStep?.Invoke(tracked.Event.Step);
            Steps.Add(tracked.Event.Step);
        }

        public void Flush()
        {
        }

        public void End(RunEnd? end, DateTimeOffset time, CancellationToken limit)
        {
            OnEnd?.Invoke();
            Ended = (true, end);
        }

        public void Dispose()
        {
        }
    }

    private RunTrackers Trackers(params (string Name, Func<Action<string>, ITracker> Open)[] trackers)
    {
        var all = new RunTrackers(kept.Add) { EndLimit = TimeSpan.FromSeconds(1) };
        foreach (var (name, open) in trackers) all.Add(name, open);
        return all;
    }

    private static async IAsyncEnumerable<TrainingEvent> Run(RunTrackers trackers, int steps, RunEnd? end = RunEnd.Finished, Exception? failure = null)
    {
        foreach (var tracked in SampleRun.Events(0, steps, end))
        {
            trackers.Write(tracked.Event);
            yield return tracked.Event;
            await Task.Yield();
        }
        if (failure is not null) throw failure;
    }

    private static async Task<List<TrainingEvent>> All(IAsyncEnumerable<TrainingEvent> events)
    {
        var list = new List<TrainingEvent>();
        await foreach (var e in events) list.Add(e);
        return list;
    }

    [Fact]
    public async Task A_failing_tracker_is_told_once_and_the_others_get_everything()
    {
        var sound = new Sound();
        using var trackers = Trackers(("bad", _ => new Sound { OnStep = s => throw new IOException($"no space at step {s}") }), ("worse", _ => throw new UnauthorizedAccessException("no folder")), ("good", _ => sound));
        var events = await All(trackers.FollowAsync(Run(trackers, 50)));
        Assert.Equal(Enumerable.Range(1, 50).Select(s => (long)s), sound.Steps);
        Assert.Equal((true, RunEnd.Finished), sound.Ended);
        var warnings = events.OfType<RunWarning>().Select(w => w.Message).Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(["tracker bad: no space at step 1. The run goes on without it; metrics.jsonl has everything.", "tracker worse: no folder. The run goes on without it; metrics.jsonl has everything."], warnings);
        Assert.IsType<RunCompleted>(events[^1]);
        Assert.Equal(50, events.OfType<StepCompleted>().Count());
        // They came when the trainer had no events any more: kept here, with the last step.
        Assert.All(kept, k => Assert.Equal(50, k.Step));
        Assert.Equal(2, kept.Count);
    }

    [Fact]
    public async Task A_tracker_that_hangs_costs_the_time_limit_once_and_a_warning()
    {
        using var never = new ManualResetEventSlim();
        var (sound, late) = (new Sound(), new Sound { OnEnd = () => never.Wait() });
        using var trackers = Trackers(("stuck", _ => new Sound { OnStep = _ => never.Wait() }), ("stuck too", _ => late), ("good", _ => sound));
        var clock = new Stopwatch();
        // Twice five thousand events into queues of eight thousand, of which one is never read.
        const int Steps = 4000;
        for (var half = 1; half <= 2; half++)
        {
            clock.Start();
            foreach (var tracked in SampleRun.Events(0, Steps)) trackers.Write(tracked.Event);
            clock.Stop();
            Assert.True(SpinWait.SpinUntil(() => sound.Steps.Count == half * Steps && late.Steps.Count == half * Steps, TimeSpan.FromSeconds(60)));
        }
        // Microseconds each; a wait for the one that hangs would never end.
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"posting took {clock.Elapsed}");
        clock.Restart();
        var warnings = await Task.Run(trackers.Close);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"the end took {clock.Elapsed}");
        Assert.Contains(warnings, w => w.Message.StartsWith("tracker stuck: it is too slow for this run", StringComparison.Ordinal));
        Assert.Contains(warnings, w => w.Message.StartsWith("tracker stuck too: it did not finish in time", StringComparison.Ordinal));
        Assert.Equal(2, warnings.Count);
        Assert.True(sound.Ended.IsEnded);
        never.Set();
    }

    [Fact]
    public async Task A_run_that_breaks_off_ends_its_trackers_before_it_is_told()
    {
        var sound = new Sound();
        using var trackers = Trackers(("good", _ => sound));
        var error = await Assert.ThrowsAsync<LowRankException>(() => All(trackers.FollowAsync(Run(trackers, 3, end: null, new LowRankException("diverged")))));
        Assert.Equal("diverged", error.Message);
        Assert.Equal((true, (RunEnd?)null), sound.Ended);
        Assert.Equal([1L, 2, 3], sound.Steps);
    }

    [Fact]
    public async Task Who_stops_reading_ends_them_too()
    {
        var sound = new Sound();
        using var trackers = Trackers(("good", _ => sound));
        await foreach (var e in trackers.FollowAsync(Run(trackers, 9)))
            if (e.Step == 2) break;
        Assert.True(sound.Ended.IsEnded);
    }

    [Fact]
    public void A_run_that_never_begins_opens_nothing()
    {
        var trackers = Trackers(("good", _ => throw new InvalidOperationException("opened")));
        trackers.Dispose();
        Assert.Empty(kept);
    }

    // What a step pays, measured: nothing but the event itself, which the trainer makes anyway.
    [Fact]
    public void Posting_allocates_nothing()
    {
        var sound = new Sound();
        using var trackers = Trackers(("good", _ => sound));
        var step = SampleRun.Step(1);
        for (var i = 0; i < 4000; i++) trackers.Write(step);
        // The ring has grown to what it needs by now, and the thread has emptied it.
        Assert.True(SpinWait.SpinUntil(() => sound.Steps.Count == 4000, TimeSpan.FromSeconds(60)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) trackers.Write(step);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
