using System.Text.Json;
using LowRank.Runtime.Memory;
using LowRank.Testing;
using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Accumulation;

/// <summary>Whole runs in which memory runs short: batches are cut and the run goes on as it would have, or it stops with a checkpoint.</summary>
public sealed class SplitRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private TrainSettings Settings(string output, string onOom = "split") => new()
    {
        Model = new ModelSettings { Model = TinyModel.Create(folder.At("model")), Threads = 1 },
        Adapter = new AdapterSettings { Rank = 4 },
        Data = new DataSettings { Data = TinyModel.CreateData(folder.At("data.jsonl")) },
        Optimization = new OptimizationSettings { MaxSteps = 8, Batch = 6, Accumulate = 2, LearningRate = 1e-2 },
        Memory = new MemorySettings { OnOom = onOom },
        Output = new OutputSettings { Output = folder.At(output), SaveEvery = 100, Report = false, MonitorEvery = 0 },
    };

    // From a step on, another program leaves one byte less than a whole step needs.
    private static async Task<List<TrainingEvent>> Run(TrainSettings settings, int? shortFrom)
    {
        using var run = TrainingRun.Create(settings);
        var (needed, resident) = (run.Memory.Needed, run.Memory.FixedBytes);
        run.Trainer.Gradient.Memory = () => (new MachineMemory { TotalBytes = 1L << 40, AvailableBytes = needed - resident - (run.Trainer.Step >= shortFrom ? 1 : 0), GroupLimitBytes = null, GroupAvailableBytes = null },
            new ProcessMemory { ResidentBytes = resident, PeakResidentBytes = resident, AnonymousBytes = resident });
        var events = new List<TrainingEvent>();
        await foreach (var e in run.TrainAsync(TestContext.Current.CancellationToken)) events.Add(e);
        return events;
    }

    [Fact]
    public async Task A_run_that_is_split_in_the_middle_learns_what_the_whole_one_does()
    {
        var whole = (await Run(Settings("whole"), null)).OfType<StepCompleted>().ToList();
        var events = await Run(Settings("split"), shortFrom: 3);
        var split = Assert.Single(events.OfType<MicroBatchesSplit>());
        Assert.Equal(2, split.Parts);
        Assert.Contains("The next step may need", split.Reason, StringComparison.Ordinal);
        Assert.Contains("They are computed in 2 parts of at most 3 from here on", Assert.Single(events.OfType<RunWarning>()).Message, StringComparison.Ordinal);
        Assert.Equal(3, split.Step);
        var steps = events.OfType<StepCompleted>().ToList();
        Assert.Equal(whole.Count, steps.Count);
        for (var i = 0; i < whole.Count; i++)
        {
            // Before, bit for bit; then rounding, which AdamW's division makes larger where gradients are small.
            Assert.Equal(whole[i].Loss, steps[i].Loss, i < 3 ? 0 : 1e-3 * whole[i].Loss);
            Assert.Equal(whole[i].GradientNorm, steps[i].GradientNorm, i < 3 ? 0 : 1e-2 * whole[i].GradientNorm);
        }
        // The step that was cut first has the same parameters as the whole one.
        Assert.Equal(whole[3].GradientNorm, steps[3].GradientNorm, 1e-5 * whole[3].GradientNorm);
        var line = File.ReadLines(folder.At("split/metrics.jsonl")).Select(l => JsonDocument.Parse(l).RootElement).Single(l => l.GetProperty("event").GetString() == "split");
        Assert.Equal(2, line.GetProperty("parts").GetInt32());
    }

    [Fact]
    public async Task Stop_ends_with_a_checkpoint_and_the_run_can_go_on()
    {
        var error = await Assert.ThrowsAsync<LowRankException>(() => Run(Settings("stopped", "stop"), shortFrom: 3));
        Assert.Contains("another program took them. Free some and go on with --resume", error.Message, StringComparison.Ordinal);
        Assert.Equal(TrainingCheckpoint.FolderOf(folder.At("stopped"), 3), TrainingCheckpoint.Newest(folder.At("stopped")));
        using var run = TrainingRun.Resume(folder.At("stopped"));
        var steps = new List<long>();
        await foreach (var e in run.TrainAsync(TestContext.Current.CancellationToken))
            if (e is StepCompleted) steps.Add(e.Step);
        Assert.Equal([4, 5, 6, 7, 8], steps);
    }
}
