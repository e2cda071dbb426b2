using LowRank.Testing;
using LowRank.Training.Events;
using LowRank.Training.Trackers.TensorBoard;
using LowRank.Training.Trackers.TensorBoard.Proto;
using LowRank.Training.Trackers.TensorBoard.Proto.HParams;

namespace LowRank.Training.Tests.Trackers;

public sealed class TensorBoardTrackerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string[] Files() => [.. Directory.GetFiles(folder.At("tensorboard"), "events.out.tfevents.*").Order(StringComparer.Ordinal)];

    [Fact]
    public void A_run_has_its_numbers_settings_and_end()
    {
        SampleRun.Feed(new TensorBoardTracker(SampleRun.Describe(folder.Path)), SampleRun.Events(0, 6));
        var events = EventFileReader.Read(Assert.Single(Files()));
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        var losses = events.Where(e => e.Summary?.Value[0].Tag == "train/loss").ToArray();
        Assert.Equal([1L, 2, 3, 4, 5, 6], losses.Select(e => e.Step));
        Assert.Equal([3f, 1.5f, 1f, 0.75f, 0.6f, 0.5f], losses.Select(e => e.Summary.Value[0].Tensor.FloatVal[0]));
        Assert.Equal((SampleRun.Start - DateTimeOffset.UnixEpoch).TotalSeconds + 1, losses[0].WallTime);
        // What shows a tag stands at its first value only.
        Assert.Equal("scalars", losses[0].Summary.Value[0].Metadata.PluginData.PluginName);
        Assert.All(losses[1..], e => Assert.Null(e.Summary.Value[0].Metadata));
        Assert.True(float.IsPositiveInfinity(events.Single(e => e.Step == 2 && e.Summary?.Value[0].Tag == "train/grad_norm").Summary.Value[0].Tensor.FloatVal[0]));
        Assert.Equal([3L, 6], events.Where(e => e.Summary?.Value[0].Tag == "eval/loss").Select(e => e.Step));
        Assert.Contains(events, e => e.Summary?.Value[0].Tag == "eval/samples" && Text(e).Contains("**ask ⏎ me**", StringComparison.Ordinal));
        var config = Text(events.Single(e => e.Summary?.Value[0].Tag == "config"));
        Assert.Contains("| rank | 16 |", config, StringComparison.Ordinal);
        Assert.Contains("| trainable\\_parameters | 10 |", config, StringComparison.Ordinal);
        var start = Plugin(events, "_hparams_/session_start_info").SessionStartInfo;
        Assert.Equal(16, start.Hparams["rank"].NumberValue);
        Assert.True(start.Hparams["packing"].BoolValue);
        Assert.Equal("00ff", start.Hparams["data_fingerprint"].StringValue);
        Assert.Equal(Status.Success, Plugin(events, "_hparams_/session_end_info").SessionEndInfo.Status);
    }

    [Fact]
    public void A_resumed_run_makes_earlier_steps_void_and_a_stopped_one_has_no_end()
    {
        SampleRun.Feed(new TensorBoardTracker(SampleRun.Describe(folder.Path)), SampleRun.Events(0, 5, RunEnd.Cancelled), RunEnd.Cancelled);
        var first = Assert.Single(Files());
        Assert.DoesNotContain(EventFileReader.Read(first), e => e.Summary?.Value[0].Tag == "_hparams_/session_end_info");
        SampleRun.Feed(new TensorBoardTracker(SampleRun.Describe(folder.Path)), SampleRun.Events(3, 6, end: null), end: null);
        var second = EventFileReader.Read(Assert.Single(Files(), f => f != first));
        var restart = Assert.Single(second, e => e.WhatCase == Event.WhatOneofCase.SessionLog);
        Assert.Equal((4L, SessionLog.Types.SessionStatus.Start), (restart.Step, restart.SessionLog.Status));
        Assert.Equal(Status.Failure, Plugin(second, "_hparams_/session_end_info").SessionEndInfo.Status);
    }

    private static string Text(Event e) => e.Summary.Value[0].Tensor.StringVal[0].ToStringUtf8();

    private static HParamsPluginData Plugin(List<Event> events, string tag) => HParamsPluginData.Parser.ParseFrom(events.Single(e => e.Summary?.Value[0].Tag == tag).Summary.Value[0].Metadata.PluginData.Content);
}
