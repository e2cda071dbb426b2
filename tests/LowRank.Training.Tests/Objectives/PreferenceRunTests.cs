using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Events;
using LowRank.Training.Guards;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Objectives;

/// <summary>Whole runs on preferences: they learn to prefer, an interrupted one ends as the unbroken one, and what does not go together is refused by name.</summary>
public sealed class PreferenceRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private TrainSettings Settings(string output, string objective, string method = "lora") => new()
    {
        Model = new ModelSettings { Model = TinyModel.Create(folder.At("model"), hidden: 64), Threads = 1 },
        Adapter = new AdapterSettings { Method = method, Rank = 4, Dropout = 0.05 },
        Data = new DataSettings { Data = PreferenceData.Create(folder.At("pairs.jsonl")), Validation = "6" },
        Objective = new ObjectiveSettings { Objective = objective, Beta = objective == "simpo" ? 2 : 0.5 },
        Optimization = new OptimizationSettings { MaxSteps = 12, Batch = 3, Accumulate = 2, LearningRate = 1e-2, Warmup = 0, Checkpointing = objective == "orpo" ? "full" : "auto" },
        Evaluation = new EvaluationSettings { EvalEvery = 4 },
        Output = new OutputSettings { Output = folder.At(output), SaveEvery = 2 },
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

    [Theory]
    [InlineData("dpo", "lora"), InlineData("dpo", "qlora"), InlineData("orpo", "lora"), InlineData("simpo", "qlora")]
    public async Task A_run_learns_to_prefer_and_resumes_exactly(string objective, string method)
    {
        var events = await Run(TrainingRun.Create(Settings("whole", objective, method)));
        var steps = events.OfType<StepCompleted>().ToList();
        Assert.True(steps[^3..].Average(s => s.Loss) < steps[..3].Average(s => s.Loss), string.Join(", ", steps.Select(s => s.Loss)));
        Assert.All(steps, s => Assert.Equal(6, s.Preference!.Pairs));
        // Before the first step policy and reference are one: every loss is log 2, up to the rounding of another batch, and no reward leads.
        if (objective == "dpo")
        {
            Assert.Equal(Math.Log(2), steps[0].Loss, 1e-5);
            Assert.InRange(steps[0].Preference!.Margin, -1e-4, 1e-4);
            Assert.True(steps[^1].Preference!.Margin > 0.1, $"margin {steps[^1].Preference!.Margin}");
        }
        var evaluations = events.OfType<EvaluationCompleted>().ToList();
        Assert.All(evaluations, e => Assert.True(e.Preference!.Pairs == 6 && double.IsNaN(e.Perplexity)));
        // Held-out numbers, but the same colours.
        Assert.True(evaluations[^1].Preference!.Accuracy >= 5 / 6.0, $"held-out accuracy {evaluations[^1].Preference!.Accuracy}");
        var lines = File.ReadAllLines(folder.At("whole/metrics.jsonl"));
        Assert.Contains("\"reward_margin\":", lines.First(l => l.Contains("\"event\":\"step\"", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("\"preference_accuracy\":", lines.First(l => l.Contains("\"event\":\"evaluation\"", StringComparison.Ordinal)), StringComparison.Ordinal);

        // In the second epoch, so that the resumed run meets pairs in another batch than the unbroken one met them first.
        await Run(TrainingRun.Create(Settings("broken", objective, method)), stopAfter: 5);
        var rest = await Run(TrainingRun.Resume(folder.At("broken")));
        Assert.Equal(steps.Skip(12 - rest.OfType<StepCompleted>().Count()).Select(s => s.Loss), rest.OfType<StepCompleted>().Select(s => s.Loss));
        Assert.Equal(File.ReadAllBytes(folder.At("whole/adapter_model.safetensors")), File.ReadAllBytes(folder.At("broken/adapter_model.safetensors")));
    }

    [Theory]
    [InlineData("dpo"), InlineData("orpo")]
    public async Task Accumulated_pairs_equal_one_large_batch(string objective)
    {
        var settings = Settings("parts", objective) with { Adapter = new AdapterSettings { Rank = 4 } };
        var parts = (await Run(TrainingRun.Create(settings))).OfType<StepCompleted>().ToList();
        var whole = (await Run(TrainingRun.Create(settings with
        {
            Optimization = settings.Optimization with { Batch = 6, Accumulate = 1 },
            Output = settings.Output with { Output = folder.At("one") },
        }))).OfType<StepCompleted>().ToList();
        // The order of an epoch is the seed's: the same pairs in each step. Roundings grow with the steps.
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(whole[i].Loss, parts[i].Loss, 1e-4);
            Assert.Equal(whole[i].GradientNorm, parts[i].GradientNorm, 1e-3 * whole[i].GradientNorm);
        }
    }

    [Fact]
    public void What_does_not_go_together_is_refused_before_the_model_is_loaded()
    {
        var dpo = Settings("none", "dpo");
        void Refused(string part, Func<TrainSettings, TrainSettings> change) =>
            Assert.Contains(part, Assert.ThrowsAny<LowRankException>(() => TrainingRun.Create(change(dpo) with { Model = new ModelSettings { Model = folder.At("absent") } })).Message, StringComparison.Ordinal);
        Refused("--method full does not go with --objective dpo", s => s with { Adapter = new AdapterSettings { Method = "full" } });
        Refused("--bias does not go with --objective dpo", s => s with { Adapter = s.Adapter with { Bias = "all" } });
        Refused("--packing does not go with --objective dpo", s => s with { Data = s.Data with { Packing = true } });
        Refused("--train-on all does not go with --objective dpo", s => s with { Data = s.Data with { TrainOn = "all" } });
        Refused("--beta does not go with --objective sft", s => s with { Objective = new ObjectiveSettings { Beta = 1 } });
        Refused("--simpo-gamma does not go with --objective dpo", s => s with { Objective = s.Objective with { SimPoGamma = 1 } });
        Refused("--dpo-loss does not go with --objective simpo", s => s with { Objective = new ObjectiveSettings { Objective = "simpo", DpoLoss = "ipo" } });
        Refused("say which share", s => s with { Objective = s.Objective with { DpoLoss = "robust" } });
        Refused("not for the hinge and IPO", s => s with { Objective = s.Objective with { DpoLoss = "ipo", LabelSmoothing = 0.1 } });
        Refused("from 0 to below 0.5", s => s with { Objective = s.Objective with { LabelSmoothing = 0.5 } });
        Assert.Contains("\"ppo\" is not one of sft, dpo, orpo, simpo, kto", Assert.Throws<SettingsException>(() => SettingsBinder.Read<TrainSettings>([new SettingEntry("objective", "ppo", "--objective")])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_the_other_kind_are_told_with_the_objective_they_need()
    {
        var dpo = Settings("none", "dpo");
        var single = Assert.Throws<DatasetException>(() => TrainingRun.Create(dpo with { Data = new DataSettings { Data = TinyModel.CreateData(folder.At("single.jsonl"), 2) } }));
        Assert.Contains("single.jsonl: the rows have one answer each, and preferences need two", single.Message, StringComparison.Ordinal);
        var sft = Assert.Throws<DatasetException>(() => TrainingRun.Create(dpo with { Objective = new ObjectiveSettings() }));
        Assert.Contains("pairs.jsonl: the rows are preferences (chosen, rejected), which need an objective that compares two answers: train on them with --objective dpo", sft.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_learning_rate_of_preferences_is_a_tenth_and_small_ones_are_no_mistake()
    {
        var settings = Settings("out", "dpo") with { Optimization = new OptimizationSettings { MaxSteps = 1 } };
        using var run = TrainingRun.Create(settings with { Objective = new ObjectiveSettings { Objective = "dpo" } });
        Assert.Equal(2e-5, run.Settings.Optimization.LearningRate!.Value, 1e-12);
        Assert.Equal(0.1, run.Settings.Objective.Beta);
        using var low = TrainingRun.Create(settings with { Optimization = new OptimizationSettings { MaxSteps = 1, LearningRate = 1e-6 }, Output = settings.Output with { Output = folder.At("low") } });
        Assert.DoesNotContain(low.Trainer.Guards.Before(), w => w.Id == GuardIds.LearningRateUnfit);
    }
}
