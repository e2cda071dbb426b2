using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Runtime.Memory;
using LowRank.Training.Events;
using LowRank.Training.Guards;
using LowRank.Training.Monitoring;
using LowRank.Training.Settings;
using TorchSharp;

namespace LowRank.Training.Tests.Guards;

/// <summary>Runs with one mistake each: exactly the guard of that mistake speaks.</summary>
public sealed class FaultyRunTests : IDisposable
{
    private readonly GuardedRuns runs = new();

    public void Dispose() => runs.Dispose();

    private static async Task Expect(string id, TrainSettings settings, Action<TrainingRun>? meddle = null)
    {
        Assert.Equal([id], await GuardedRuns.Run(settings, meddle));
        if (!GuardIds.CanBeSilenced(id)) return;
        // Silenced it says nothing; what it warned of may then end the run by itself.
        var quiet = settings with { Guards = new GuardSettings { Silence = id }, Output = settings.Output with { Output = settings.Output.Output + "-quiet" } };
        if (id is not GuardIds.NothingSupervised) Assert.Empty(await GuardedRuns.Run(quiet, meddle));
    }

    [Fact]
    public Task Rank_beyond_the_data() => Expect(GuardIds.RankTooHigh, runs.Sound() with
    {
        Model = new ModelSettings { Model = GuardedRuns.TinyAsset, Threads = 1 },
        Adapter = new AdapterSettings { Rank = 32 },
        Optimization = new OptimizationSettings { MaxSteps = 2, Batch = 4, LearningRate = 1e-3 },
    });

    [Fact]
    public Task Rank_beyond_the_matrix() => Expect(GuardIds.RankTooHigh, runs.Sound() with { Adapter = new AdapterSettings { Rank = 12 } });

    [Fact]
    public Task Alpha_of_sixteen_times_the_rank()
    {
        var sound = runs.Sound();
        return Expect(GuardIds.AlphaUnusual, sound with { Adapter = new AdapterSettings { Rank = 4, Alpha = 64 }, Optimization = sound.Optimization with { LearningRate = 1e-3 } });
    }

    // What the tiny model was made of, so that the loss begins low.
    [Fact]
    public Task Steps_too_large_for_the_model()
    {
        var sound = runs.Sound();
        return Expect(GuardIds.LossDiverges, sound with
        {
            Model = new ModelSettings { Model = GuardedRuns.TinyAsset, Threads = 1 },
            Adapter = new AdapterSettings { Rank = 16, Alpha = 64 },
            Data = new DataSettings
            {
                Data = runs.Write("known.jsonl", ((string[])["rabbit", "goat", "duck", "mouse", "donkey", "goose", "pony", "hen"]).SelectMany(a => (string[])
                [
                    GuardedRuns.Row($"Can a {a} eat grass?", $"A {a} eats what it finds, and it needs fresh water."), GuardedRuns.Row($"How do I feed my {a}?", $"Feed the {a} twice a day."),
                ])),
            },
            Optimization = new OptimizationSettings { MaxSteps = 14, Batch = 8, LearningRate = 0.035, Schedule = "constant", Warmup = 0, MaxGradientNorm = 0 },
        });
    }

    [Fact]
    public Task All_layers_for_few_rows()
    {
        var sound = runs.Sound();
        return Expect(GuardIds.TargetsExceedNeed, sound with
        {
            Model = sound.Model with { Model = runs.Model("deep", hidden: 64, layers: 80) },
            Adapter = new AdapterSettings { Rank = 16 },
            Optimization = sound.Optimization with { MaxSteps = 1, LearningRate = 1e-3 },
        });
    }

    [Fact]
    public Task A_norm_of_the_base_that_requires_a_gradient() => Expect(GuardIds.BaseTrainable, runs.Sound(), run =>
    {
        run.Model.Decoder.Slots.OfType<NormSlot>().First().Module.Weight.requires_grad_(true);
    });

    [Fact]
    public Task A_base_that_is_written_into() => Expect(GuardIds.BaseChanged, runs.Sound(), run => run.Trainer.Sinks.Add(e =>
    {
        if (e is StepCompleted { Step: 3 }) Nudge(run.Model.Decoder.Slots.OfType<LinearSlot>().First());
    }));

    // The weights lie over a read-only file: another part of the program puts a changed copy in their place.
    private static void Nudge(LinearSlot slot)
    {
        var adapted = (AdaptedLinear)slot.Module;
        var values = adapted.Frozen.Weight.Dequantize(0, adapted.OutFeatures);
        using (torch.no_grad()) values.add_(1e-3f);
        slot.Module = new AdaptedLinear(new FrozenLinear(new DenseWeight(values)), adapted.Adapter);
        adapted.Frozen.Dispose();
    }

    [Theory]
    [InlineData("lora", 1e-7), InlineData("lora", 0.5), InlineData("full", 0.02)]
    public Task A_learning_rate_of_another_method(string method, double rate)
    {
        var sound = runs.Sound();
        return Expect(GuardIds.LearningRateUnfit, sound with { Adapter = sound.Adapter with { Method = method }, Optimization = sound.Optimization with { LearningRate = rate, MaxSteps = 3 } });
    }

    [Fact]
    public Task A_4_bit_base_that_answers_slowly()
    {
        var sound = runs.Sound();
        return Expect(GuardIds.SlowFourBitInference, sound with { Adapter = sound.Adapter with { Method = "qlora" } }, run => run.Trainer.Guards.Replace(new SlowFourBitInference(_ => new DecodingSpeed(20, 50))));
    }

    [Fact]
    public async Task Rows_without_an_answer()
    {
        var rows = File.ReadAllLines(runs.Rows(12)).Append("""{"messages":[{"role":"user","content":"Hello?"}]}""");
        var sound = runs.Sound();
        sound = sound with { Data = new DataSettings { Data = runs.Write("unanswered.jsonl", rows) } };
        await Expect(GuardIds.NothingSupervised, sound);
        using var run = TrainingRun.Create(sound with { Guards = new GuardSettings { Silence = GuardIds.NothingSupervised } });
        Assert.Equal(12, run.Examples.Examples.Count);
        Assert.Contains("unanswered.jsonl:13: no assistant turn: nothing to learn from; the row is left out", Assert.Single(run.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public Task Rows_cut_before_their_answers()
    {
        var sound = runs.Sound();
        return Expect(GuardIds.AllTruncated, sound with { Data = sound.Data with { MaxLength = 4 } });
    }

    [Fact]
    public async Task An_adapter_of_values_beyond_all_bounds()
    {
        var adapter = await runs.AdapterOf(0x7f);
        await Expect(GuardIds.LossNotFinite, runs.Sound() with { Adapter = new AdapterSettings { Adapter = adapter } });
    }

    [Fact]
    public Task Learning_by_heart()
    {
        var sound = runs.Sound();
        return Expect(GuardIds.Overfitting, sound with
        {
            Data = new DataSettings
            {
                Data = runs.Write("learned.jsonl", Enumerable.Range(0, 8).Select(i => GuardedRuns.Row($"Where is number {i}?", i % 2 == 0 ? "left" : "right"))),
                Validation = runs.Write("held.jsonl", Enumerable.Range(10, 8).Select(i => GuardedRuns.Row($"Where is number {i}?", i % 2 == 0 ? "north" : "south"))),
            },
            Optimization = sound.Optimization with { MaxSteps = 60 },
            Evaluation = new EvaluationSettings { EvalEvery = 5, Samples = 0 },
        });
    }

    [Fact]
    public async Task An_adapter_of_zeros()
    {
        var adapter = await runs.AdapterOf(0);
        await Expect(GuardIds.ZeroGradients, runs.Sound() with { Adapter = new AdapterSettings { Adapter = adapter } });
    }

    [Fact]
    public Task A_template_that_ends_no_turn()
    {
        var sound = runs.Sound();
        return Expect(GuardIds.EndOfTurnUntrained, sound with { Model = sound.Model with { Model = runs.Model("endless", "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}") } });
    }

    [Fact]
    public Task A_template_of_Gemma_over_another_vocabulary()
    {
        var sound = runs.Sound();
        return Expect(GuardIds.TemplateOfOtherFamily, sound with
        {
            Model = sound.Model with { Model = runs.Model("gemma", "{% for m in messages %}<start_of_turn>{{ m['role'] }}\n{{ m['content'] }}<end_of_turn>\n{% endfor %}") },
        });
    }

    [Fact]
    public Task Memory_that_fills_up() => Expect(GuardIds.MemoryHigh, runs.Sound(), run =>
    {
        // The real samples are of a machine that may be as full as it likes.
        run.Trainer.Monitor?.Dispose();
        run.Trainer.Monitor = new MachineMonitor(new MachineSampler(TimeProvider.System, null) { ProcessLimitBytes = ProcessMemory.Read().ResidentBytes }, TimeSpan.FromHours(1), TimeProvider.System);
    });

    [Fact]
    public Task Held_out_rows_that_are_learned()
    {
        var sound = runs.Sound();
        return Expect(GuardIds.ValidationLeaks, sound with { Data = sound.Data with { Validation = runs.Write("leak.jsonl", File.ReadLines(sound.Data.Data).Skip(3).Take(5)) } });
    }
}
