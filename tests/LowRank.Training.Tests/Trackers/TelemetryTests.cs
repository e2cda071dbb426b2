using System.Diagnostics;
using System.Diagnostics.Metrics;
using LowRank.Testing;
using LowRank.Training.Trackers.Telemetry;

namespace LowRank.Training.Tests.Trackers;

/// <summary>What a host sees that listens to meter and source by name.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public void A_host_that_listens_gets_measurements_and_spans()
    {
        var numbers = new List<(string Name, double Value)>();
        using var meters = new MeterListener { InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == "LowRank") listener.EnableMeasurementEvents(instrument); } };
        void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            // Other tests' runs may be under way in this process.
            foreach (var (key, of) in tags)
                if (key == "lowrank.run" && of is "measured") lock (numbers) numbers.Add((instrument.Name, value));
        }
        meters.SetMeasurementEventCallback<double>((i, v, t, _) => Take(i, v, t));
        meters.SetMeasurementEventCallback<long>((i, v, t, _) => Take(i, v, t));
        meters.Start();
        var spans = new List<Activity>();
        using var traces = new ActivityListener { ShouldListenTo = s => s.Name == TrainingTelemetry.Name, Sample = (ref _) => ActivitySamplingResult.AllData, ActivityStopped = a => { lock (spans) spans.Add(a); } };
        ActivitySource.AddActivityListener(traces);
        Assert.True(TrainingTelemetry.IsListenedTo);

        using var folder = new TemporaryFolder();
        var parent = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        SampleRun.Feed(new TelemetryTracker(SampleRun.Describe(folder.Path, "measured"), parent), SampleRun.Events(0, 18));

        Assert.Equal(18, numbers.Where(n => n.Name == "lowrank.train.steps").Sum(n => n.Value));
        Assert.Equal(1800, numbers.Where(n => n.Name == "lowrank.train.tokens").Sum(n => n.Value));
        Assert.All(numbers.Where(n => n.Name == "lowrank.train.step.duration"), n => Assert.Equal(2.0, n.Value));
        Assert.Equal([3.0, 1.5, 1.0], numbers.Where(n => n.Name == "lowrank.train.loss").Select(n => n.Value).Take(3));
        Assert.Equal(6, numbers.Count(n => n.Name == "lowrank.eval.loss"));

        spans.RemoveAll(s => s.TraceId != parent.TraceId);
        var whole = Assert.Single(spans, s => s.OperationName == "train");
        Assert.Equal(parent.SpanId, whole.ParentSpanId);
        Assert.Equal((ActivityStatusCode.Ok, "finished", "00ff"), (whole.Status, whole.GetTagItem("lowrank.end"), whole.GetTagItem("lowrank.data_fingerprint")));
        Assert.Equal((SampleRun.Start.UtcDateTime, TimeSpan.FromSeconds(10)), (whole.StartTimeUtc, whole.Duration));
        // Nine steps are an epoch here.
        var epochs = spans.Where(s => s.OperationName == "epoch").OrderBy(s => s.StartTimeUtc).ToArray();
        Assert.Equal([1L, 2L], epochs.Select(e => (long)e.GetTagItem("lowrank.epoch")!));
        Assert.All(epochs, e => Assert.Equal(whole.SpanId, e.ParentSpanId));
        Assert.Equal(3, epochs[0].Events.Count(e => e.Name == "evaluation"));
    }
}
