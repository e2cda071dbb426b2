using LowRank.Models.Checkpoints;
using LowRank.Testing;
using LowRank.Training.Settings;
using LowRank.Training.Sweeps;
using TorchSharp;

namespace LowRank.Training.Tests.Sweeps;

public sealed class SweepTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(8, 100, 2, null, "13,25,50,100", "4,2,1,1"), InlineData(3, 90, 3, null, "30,90", "1,1"), InlineData(9, 90, 3, null, "10,30,90", "3,1,1"),
     InlineData(5, 40, 2, 1, "20,40", "3,3"), InlineData(4, 40, 2, 0, "40", "4"), InlineData(1, 10, 2, null, "10", "1"), InlineData(16, 3, 2, null, "1,2,3", "2,1,1")]
    public void Rounds_grow_as_runs_become_fewer(int runs, long steps, int keepOneIn, int? rounds, string ends, string left)
    {
        var plan = SweepPlan.Of(runs, steps, keepOneIn, rounds);
        Assert.Equal((ends, left), (string.Join(',', plan.Steps), string.Join(',', plan.Left)));
    }

    private SweepSettings Settings(string output, string vary = "rank=2,4 learning-rate=1e-5,1e-2") => new()
    {
        Sweep = new SweepOptions { Vary = vary, Output = folder.At(output) },
        Model = new ModelSettings { Model = TinyModel.Create(folder.At("model"), hidden: 64), Threads = 1, Dtype = "fp32" },
        Data = new DataSettings { Data = TinyModel.CreateData(folder.At("data.jsonl")), Validation = "0.2" },
        Optimization = new OptimizationSettings { MaxSteps = 8, Batch = 4 },
    };

    private static SweepResult Run(SweepSettings settings, Action<SweepProgress>? tell = null, CancellationToken cancellation = default)
    {
        using var run = SweepRun.Create(settings);
        return run.Run(tell ?? (_ => { }), cancellation);
    }

    [Fact]
    public void The_worse_runs_are_left_out_and_the_best_one_is_written()
    {
        var result = Run(Settings("whole"));
        Assert.Equal([2, 4, 8], result.RoundSteps);
        Assert.Equal([2L, 2L, 4L, null], result.Runs.Select(r => r.LeftOutAt).Order(Comparer<long?>.Create((a, b) => (a ?? 99).CompareTo(b ?? 99))));
        // At a thousandth of the rate hardly anything is learned in two steps.
        Assert.All(result.Runs.Where(r => r.LearningRate == 1e-5), r => Assert.Equal(2, r.LeftOutAt));
        var best = Assert.Single(result.Runs, r => r.Name == result.Best);
        Assert.Equal((3, 8, null), (best.Losses.Count, best.TrainLosses.Count, best.LeftOutAt));
        Assert.True(best.Losses[^1] < best.Losses[0]);

        using var model = ModelLoader.Load(folder.At("model"), new ModelLoadOptions { Device = torch.CPU, Threads = 1 });
        model.LoadAdapter(folder.At("whole/best"));
        var chosen = SettingsBinder.Read<TrainSettings>(SettingsYaml.Read(folder.At("whole/best.yaml")));
        Assert.Equal((1e-2, 8), (chosen.Optimization.LearningRate, chosen.Optimization.MaxSteps));
        Assert.Contains($"rank {chosen.Adapter.Rank} ", result.Best, StringComparison.Ordinal);
        // What varied is said even where it is the default.
        Assert.Contains("\nrank: ", File.ReadAllText(folder.At("whole/best.yaml")), StringComparison.Ordinal);
        Assert.True(new FileInfo(folder.At("whole/curves.png")).Length > 5000);
        Assert.Contains("left out at 2", File.ReadAllText(folder.At("whole/table.md")), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("whole/runs")));
        Assert.Contains("came to its end", Assert.Throws<LowRankException>(() => Run(Settings("whole"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1), InlineData(3), InlineData(6)]
    public void A_sweep_that_was_stopped_ends_as_the_unbroken_one(int after)
    {
        Run(Settings("unbroken"));
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => Run(Settings("broken"), p => { if (p.Step == after) stop.Cancel(); }, stop.Token));
        Run(Settings("broken"));
        foreach (var file in new[] { "results.json", "best.yaml", "best/adapter_model.safetensors" }) Assert.Equal(File.ReadAllText(folder.At("unbroken/" + file)), File.ReadAllText(folder.At("broken/" + file)));
    }

    [Fact]
    public void What_cannot_be_swept_is_refused_before_the_model_is_loaded()
    {
        void Refused(string word, SweepSettings settings) => Assert.Contains(word, Assert.ThrowsAny<LowRankException>(() => Run(settings)).Message, StringComparison.Ordinal);
        Refused("lowrank compare varies this", Settings("a", "method=lora,qlora"));
        Refused("--vary objective: the runs of a sweep", Settings("a", "objective=sft,dpo"));
        Refused("--objective dpo", Settings("a") with { Data = Settings("a").Data with { Data = Objectives.PreferenceData.Create(folder.At("pairs.jsonl")) } });
        Refused("batch", Settings("a", "batch=1,2"));
        Refused("rank", Settings("a", "rank=x"));
        Refused("--validation", Settings("a") with { Data = Settings("a").Data with { Validation = null } });
        Refused("full fine-tuning", Settings("a") with { Adapter = new AdapterSettings { Method = "full" } });
        Directory.CreateDirectory(folder.At("other"));
        File.WriteAllText(folder.At("other/file"), "");
        Refused("holds no sweep", Settings("other"));
        Run(Settings("done"));
        Refused("other settings", Settings("done", "rank=2,8"));
    }
}
