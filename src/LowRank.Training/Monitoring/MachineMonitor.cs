using System.Collections.Concurrent;
using LowRank.Training.Events;

namespace LowRank.Training.Monitoring;

/// <summary>
/// Looks at the machine every few seconds while a run goes on, on a thread of the pool. What it saw waits until the training thread takes it between two steps, so that events keep
/// to one thread and a step is never held up; where nothing waits, taking costs a comparison and no memory.
/// </summary>
internal sealed class MachineMonitor : IDisposable
{
    private readonly ConcurrentQueue<TrainingEvent> seen = new();
    private readonly Lock gate = new();
    private readonly MachineSampler sampler;
    private readonly TimeSpan interval;
    private readonly ITimer timer;
    private bool hasEnded;

    /// <param name="sampler">Who looks; the monitor disposes it.</param>
    /// <param name="interval">Time between two looks.</param>
    /// <param name="time">The clock.</param>
    public MachineMonitor(MachineSampler sampler, TimeSpan interval, TimeProvider time)
    {
        (this.sampler, this.interval) = (sampler, interval);
        timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The most that the run was seen to hold of its own GPU's memory, in bytes; null on a processor, or where nothing tells.</summary>
    public long? OwnGpuPeakBytes { get; private set; }

    /// <summary>Begins.</summary>
    public void Start() => timer.Change(interval, Timeout.InfiniteTimeSpan);

    /// <summary>Takes what was seen, the oldest first.</summary>
    /// <returns>Null where nothing waits.</returns>
    public TrainingEvent? Take() => seen.TryDequeue(out var oldest) ? oldest : null;

    /// <summary>Looks for a last time and stops.</summary>
    public void End()
    {
        lock (gate)
        {
            if (hasEnded) return;
            Sample();
            hasEnded = true;
        }
    }

    // Each look plans the next one, so that slow ones do not pile up.
    private void Look()
    {
        lock (gate)
        {
            if (!hasEnded && Sample()) timer.Change(interval, Timeout.InfiniteTimeSpan);
        }
    }

    private bool Sample()
    {
        try
        {
            var sample = sampler.Sample();
            if (sample.Gpus.FirstOrDefault(g => g.IsOwn)?.HeldBy(Environment.ProcessId) is { } held) OwnGpuPeakBytes = Math.Max(held, OwnGpuPeakBytes ?? 0);
            seen.Enqueue(sample);
            return true;
        }
        catch (Exception error)
        {
            // A run is worth more than its monitoring.
            hasEnded = true;
            seen.Enqueue(new RunWarning($"The machine can no longer be monitored: {error.Message} The run goes on."));
            return false;
        }
    }

    /// <summary>Stops.</summary>
    public void Dispose()
    {
        timer.Dispose();
        lock (gate)
        {
            hasEnded = true;
            sampler.Dispose();
        }
    }
}
