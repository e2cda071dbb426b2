using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests;

/// <summary>Whole runs with each optimizer: exact resume, what a paged state changes (nothing), what is refused.</summary>
public sealed class OptimizerRunTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-optimizer-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private TrainSettings Settings(string output, OptimizationSettings optimization, string method = "lora") => new()
    {
        // Wide enough that some matrices of a LoRA have 8-bit moments.
        Model = new ModelSettings { Model = TinyModel.Create(Path.Combine(folder, "model"), hidden: 64), Threads = 1 },
        Adapter = new AdapterSettings { Method = method, Rank = 64 },
        Data = new DataSettings { Data = TinyModel.CreateData(Path.Combine(folder, "data.jsonl")) },
        Optimization = optimization with { MaxSteps = 6, Batch = 4, LearningRate = 1e-3 },
        Output = new OutputSettings { Output = Path.Combine(folder, output), SaveEvery = 2 },
    };

    private static async Task<List<TrainingEvent>> Run(TrainingRun run, int? stopAfter = null)
    {
        using (run)
        {
            using var stop = new CancellationTokenSource();
            var events = new List<TrainingEvent>();
            await foreach (var e in run.TrainAsync(stop.Token))
            {
                events.Add(e);
                if (e is StepCompleted && e.Step == stopAfter) await stop.CancelAsync();
            }
            return events;
        }
    }

    private byte[] Bytes(string output, string file = "adapter_model.safetensors") => File.ReadAllBytes(Path.Combine(folder, output, file));

    [Theory]
    [InlineData("adamw", false, 16.0, "lora"), InlineData("adamw", true, null, "lora"), InlineData("adamw8bit", false, null, "lora"), InlineData("adamw8bit", true, 4.0, "lora"), InlineData("adamw8bit", true, null, "full")]
    public async Task A_stopped_and_resumed_run_equals_the_unbroken_one(string optimizer, bool paged, double? plus, string method)
    {
        var optimization = new OptimizationSettings { Optimizer = optimizer, Paged = paged, Plus = plus };
        await Run(TrainingRun.Create(Settings("whole", optimization, method)));
        var stopped = Assert.IsType<RunCompleted>((await Run(TrainingRun.Create(Settings("broken", optimization, method)), stopAfter: 3))[^1]);
        Assert.InRange(stopped.Step, 1, 5);
        await Run(TrainingRun.Resume(Path.Combine(folder, "broken")));
        var file = method == "full" ? "model.safetensors" : "adapter_model.safetensors";
        Assert.Equal(Bytes("whole", file), Bytes("broken", file));
        Assert.Equal(Bytes("whole/checkpoint-000006", "trainer.safetensors"), Bytes("broken/checkpoint-000006", "trainer.safetensors"));
    }

    [Theory]
    [InlineData("adamw"), InlineData("adamw8bit")]
    public async Task A_paged_run_writes_the_checkpoints_of_an_unpaged_one(string optimizer)
    {
        var unpaged = await Run(TrainingRun.Create(Settings("unpaged", new OptimizationSettings { Optimizer = optimizer })));
        var paged = await Run(TrainingRun.Create(Settings("paged", new OptimizationSettings { Optimizer = optimizer, Paged = true })));
        foreach (var step in new[] { 4, 6 })
            foreach (var file in new[] { "trainer.safetensors", "trainer_state.json", "adapter_model.safetensors" })
                Assert.Equal(Bytes($"unpaged/checkpoint-00000{step}", file), Bytes($"paged/checkpoint-00000{step}", file));
        Assert.All(unpaged.OfType<StepCompleted>(), s => Assert.Null(s.Paging));
        Assert.All(paged.OfType<StepCompleted>(), s => Assert.NotNull(s.Paging));
        Assert.Contains("\"paged_out_mib\":", File.ReadAllText(Path.Combine(folder, "paged", "metrics.jsonl")), StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFileSystemEntries(folder), f => f.Contains("lowrank-state", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_optimizers_differ()
    {
        foreach (var (name, optimization) in new[] { ("a", new OptimizationSettings()), ("b", new OptimizationSettings { Optimizer = "adamw8bit" }), ("c", new OptimizationSettings { Plus = 16 }) })
            await Run(TrainingRun.Create(Settings(name, optimization)));
        Assert.NotEqual(Bytes("a"), Bytes("b"));
        Assert.NotEqual(Bytes("a"), Bytes("c"));
    }

    [Fact]
    public async Task Resuming_with_another_optimizer_is_refused()
    {
        await Run(TrainingRun.Create(Settings("out", new OptimizationSettings { Optimizer = "adamw8bit" })), stopAfter: 3);
        var output = Path.Combine(folder, "out");
        var error = Assert.Throws<SettingsException>(() => RunRecord.Load(output).RequireSame([new SettingEntry("optimizer", "adamw", "--optimizer")]));
        Assert.Contains("--optimizer adamw differs from the run's adamw8bit", error.Message, StringComparison.Ordinal);
        // Whoever edits the record is told by the checkpoint.
        var record = Path.Combine(output, RunRecord.FileName);
        File.WriteAllText(record, File.ReadAllText(record).Replace("\"adamw8bit\"", "\"adamw\"", StringComparison.Ordinal));
        var refused = Assert.Throws<LowRankException>(() => TrainingRun.Resume(output));
        Assert.Contains("holds the state of the optimizer adamw8bit, the settings ask for adamw", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lora_plus_without_a_lora_is_refused()
    {
        var error = Assert.Throws<LowRankException>(() => TrainingRun.Create(Settings("out", new OptimizationSettings { Plus = 16 }, "full")));
        Assert.Contains("--plus is for adapters", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "out")));
    }
}
