using LowRank.Testing;
using LowRank.Training.Events;
using LowRank.Training.Runs;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Runs;

/// <summary>Runs as their folders tell them.</summary>
public sealed class RunHistoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static readonly TrainSettings Settings = new() { Model = new ModelSettings { Model = "org/model" }, Data = new DataSettings { Data = "rows.jsonl" } };

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_finished_run_tells_everything()
    {
        var run = RunHistory.Load(PastRun.Write(folder.At("a"), Settings,
            [PastRun.Start(100), new RunWarning("twice") { Id = "lr-unfit" }, new AnswersSampled { Samples = [("q", "before")] }, .. PastRun.Steps(1, 100, 100), PastRun.Machine(50, 80), PastRun.HeldOut(50, 1.5, true, ("q", "half")), PastRun.HeldOut(100, 1.75, false, ("q", "end")), new RunWarning("twice") { Id = "lr-unfit" }, PastRun.End(100, RunEnd.Finished)]));
        Assert.Equal((RunState.Finished, 100, 100, 4_884_480, 139_399_488), (run.State, run.LastStep, run.TotalSteps, run.TrainableParameters, run.AllParameters));
        Assert.Equal((1.25, 1.5, 880.0, 800.0, 1200.0), (run.FinalLoss!.Value, run.BestHeldOut!.Value, run.PeakMiB!.Value, run.PlannedMiB!.Value, run.TokensPerSecond!.Value));
        Assert.Equal(10, run.Seconds, 1e-9);
        Assert.Equal([("lr-unfit", "twice")], run.Warnings);
        Assert.Equal([new SampledAnswer("q", "before")], run.First);
        Assert.Equal([new SampledAnswer("q", "end")], run.HeldOut[^1].Samples);
        var gpu = Assert.Single(run.Machine[0].Gpus);
        Assert.Equal(("NVIDIA H200", true, 9500.0, 612.3), (gpu.Name, gpu.IsOwn, gpu.UsedMiB!.Value, gpu.PowerWatts!.Value));
        Assert.Equal(["alpha 16: the rank, so that the scaling is 1"], run.Choices);
    }

    [Fact]
    public void States()
    {
        RunState State(string name, params TrainingEvent[] events) => RunHistory.Load(PastRun.Write(folder.At(name), Settings, events)).State;
        Assert.Equal(RunState.BrokenOff, State("none"));
        Assert.Equal(RunState.BrokenOff, State("killed", [PastRun.Start(9), .. PastRun.Steps(1, 5, 9)]));
        Assert.Equal(RunState.Stopped, State("stopped", [PastRun.Start(9), PastRun.End(5, RunEnd.Cancelled)]));
        Assert.Equal(RunState.StoppedEarly, State("early", [PastRun.Start(9), PastRun.End(5, RunEnd.StoppedEarly)]));
        // It was stopped, resumed, and then killed.
        Assert.Equal(RunState.BrokenOff, State("again", [PastRun.Start(9), PastRun.End(5, RunEnd.Cancelled), PastRun.Start(9)]));
        // A report that could not be written is told behind the end.
        Assert.Equal(RunState.Finished, State("warned", [PastRun.Start(9), PastRun.End(9, RunEnd.Finished), new RunWarning("no report")]));
        Assert.Equal(RunState.Running, RunHistory.Load(folder.At("killed"), isRunning: true).State);
    }

    [Fact]
    public void The_time_of_all_processes_counts_and_half_a_line_is_passed_over()
    {
        var path = PastRun.Write(folder.At("a"), Settings, [PastRun.Start(100), .. PastRun.Steps(1, 30, 100), PastRun.End(30, RunEnd.Cancelled), PastRun.Start(100), .. PastRun.Steps(31, 50, 100)]);
        File.AppendAllText(Path.Combine(path, "metrics.jsonl"), "{\"event\":\"step\",\"step\":51,\"lo");
        var run = RunHistory.Load(path);
        // 3 s of the first process, and 20 steps of a tenth of a second.
        Assert.Equal(5, run.Seconds, 1e-9);
        Assert.Equal(50, run.LastStep);
        // The mean of the last twenty steps.
        Assert.Equal(run.Steps.TakeLast(20).Average(s => s.Loss), run.FinalLoss!.Value, 1e-9);
    }

    [Fact]
    public void The_end_of_a_long_run_is_read_without_the_whole()
    {
        var path = PastRun.Write(folder.At("a"), Settings, [PastRun.Start(3000), .. PastRun.Steps(1, 2000, 3000)]);
        var run = RunHistory.LoadEnd(path);
        Assert.Equal((2000, 3000, RunState.Running), (run.LastStep, run.TotalSteps, run.State));
        Assert.InRange(run.Steps.Count, 50, 500);
        Assert.Equal(100, run.Steps[^1].SecondsLeft!.Value, 0.1);
    }

    [Fact]
    public void Runs_below_a_folder_are_found()
    {
        PastRun.Write(folder.At("b/x"), Settings);
        PastRun.Write(folder.At("a"), Settings);
        PastRun.Write(folder.At(".hidden/y"), Settings);
        Assert.Equal([folder.At("a"), folder.At("b/x")], RunFolders.Below(folder.Path));
        Assert.Contains("is no folder", Assert.Throws<LowRankException>(() => RunFolders.Below(folder.At("c"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_side_by_side_show_where_they_differ()
    {
        var a = RunHistory.Load(PastRun.Write(folder.At("x/out"), Settings, PastRun.Start(9)));
        var b = RunHistory.Load(PastRun.Write(folder.At("y/out"), Settings with { Adapter = new AdapterSettings { Rank = 8, Alpha = 4 } }, PastRun.Start(9)));
        var compared = RunsCompared.Of([a, b]);
        Assert.Equal([Path.Combine("x", "out"), Path.Combine("y", "out")], compared.Runs.Select(r => r.Name));
        Assert.Equal(["rank", "alpha"], compared.Settings.Select(s => s.Key));
        Assert.Equal(["16", "8"], compared.Settings[0].Values);
        Assert.Equal([null, "4"], compared.Settings[1].Values);
    }
}
