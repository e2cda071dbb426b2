using LowRank.Adapters;
using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Methods;
using LowRank.Training.Planning;
using LowRank.Training.Settings;
using LowRank.Training.Tests.Goldens;

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
    [InlineData("adamw", false, 16.0, "lora"), InlineData("adamw", true, null, "lora"), InlineData("adamw8bit", false, null, "lora"), InlineData("adamw8bit", true, 4.0, "lora"), InlineData("adamw8bit", true, null, "full"),
        InlineData("lorafa", false, null, "lora"), InlineData("lorafa", true, null, "qlora"), InlineData("riemannian", false, null, "lora")]
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
        foreach (var (name, optimization) in new[] { ("a", new OptimizationSettings()), ("b", new OptimizationSettings { Optimizer = "adamw8bit" }), ("c", new OptimizationSettings { Plus = 16 }), ("d", new OptimizationSettings { Optimizer = "lorafa" }), ("e", new OptimizationSettings { Optimizer = "riemannian" }) })
        {
            var losses = (await Run(TrainingRun.Create(Settings(name, optimization)))).OfType<StepCompleted>().Select(s => s.Loss).ToArray();
            Assert.True(losses[^2..].Average() < losses[..2].Average(), $"{name}: {string.Join(' ', losses)}");
        }
        Assert.Equal(5, new[] { "a", "b", "c", "d", "e" }.Select(n => Convert.ToHexString(Bytes(n))).Distinct().Count());
    }

    [Fact]
    public async Task Lorafa_trains_B_alone_keeps_A_in_its_checkpoints_and_is_planned_so()
    {
        Dictionary<string, float[]> Values(AttachedAdapter adapter) => adapter.Values().ToDictionary(v => v.Key, v => LoraGoldenTests.Floats(v.Value));
        var settings = Settings("out", new OptimizationSettings { Optimizer = "lorafa" });
        Dictionary<string, float[]> before, after;
        long trained;
        using (var run = TrainingRun.Create(settings))
        {
            before = Values(run.Model.Adapter!);
            trained = run.Weights.Parameters.Sum(p => p.Count);
            using var stop = new CancellationTokenSource();
            await foreach (var e in run.TrainAsync(stop.Token))
                if (e is StepCompleted { Step: 4 }) await stop.CancelAsync();
            after = Values(run.Model.Adapter!);
        }
        foreach (var (key, value) in before)
            if (key.Contains("lora_A", StringComparison.Ordinal)) Assert.Equal(value, after[key]);
            else Assert.NotEqual(value, after[key]);

        // What a checkpoint has of A is taken, not what the seed gives.
        using (var resumed = TrainingRun.Resume(Path.Combine(folder, "out")))
        {
            var kept = ((LoraWeights)resumed.Weights).State;
            Assert.Equal(14, kept.Count);
            foreach (var (name, value) in kept) Assert.Equal(after[name], LoraGoldenTests.Floats(value));
        }

        // The plan counts the gradients and moments of B alone, and no inputs of adapted layers.
        MemoryPlan Plan(string optimizer)
        {
            using var run = TrainingRun.Create(Settings("plan-" + optimizer, new OptimizationSettings { Optimizer = optimizer }));
            return run.Memory;
        }
        var (fa, adam) = (Plan("lorafa"), Plan("adamw"));
        Assert.Equal(trained, before.Where(b => b.Key.Contains("lora_B", StringComparison.Ordinal)).Sum(b => (long)b.Value.Length));
        Assert.Equal((8 * trained, 4 * trained, adam.Adapter.Bytes), (fa.Optimizer.Bytes, fa.Gradients.Bytes, fa.Adapter.Bytes));
        Assert.True(fa.Activations.Bytes < adam.Activations.Bytes, $"{fa.Activations} {adam.Activations}");
        Assert.DoesNotContain("inputs of the adapted layers", fa.Activations.Formula, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lorafa", "dora", "leaves B alone to be trained, which is a LoRA's"), InlineData("riemannian", "miss", "works on the matrices A and B of a LoRA or DoRA")]
    public void An_optimizer_of_LoRAs_matrices_is_refused_elsewhere(string optimizer, string variant, string message)
    {
        var settings = Settings("out", new OptimizationSettings { Optimizer = optimizer });
        Assert.Contains(message, Assert.Throws<LowRankException>(() => TrainingRun.Create(settings with { Adapter = settings.Adapter with { Variant = variant } })).Message, StringComparison.Ordinal);
        Assert.Contains($"The optimizer {optimizer} is for a LoRA or DoRA that is trained alone", Assert.Throws<LowRankException>(() => TrainingRun.Create(Settings("out", settings.Optimization, "full"))).Message, StringComparison.Ordinal);
        Assert.Contains("--plus gives the matrices B another learning rate", Assert.Throws<LowRankException>(() => TrainingRun.Create(Settings("out", settings.Optimization with { Plus = 4 }))).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "out")));
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
