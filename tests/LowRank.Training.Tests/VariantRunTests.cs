using LowRank.Adapters;
using LowRank.Models.Merging;
using LowRank.Testing;
using LowRank.Training.Events;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests;

/// <summary>Whole runs with each kind of adapter, over a plain base and one in 4 bits: they learn, an interrupted one ends as the unbroken one, and what is saved loads and merges.</summary>
public sealed class VariantRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static IEnumerable<TheoryDataRow<string, string, bool>> Variants =>
        new[] { ("dora", "lora"), ("dora", "qlora"), ("adalora", "lora"), ("adalora", "qlora"), ("miss", "lora"), ("miss", "qlora"), ("ia3", "lora"), ("ia3", "qlora"), ("lora", "lora"), ("bat", "lora"), ("bat", "qlora") }
            .Select(v => new TheoryDataRow<string, string, bool>(v.Item1, v.Item2, v.Item1 == "lora"));

    private TrainSettings Settings(string output, string variant, string method, bool tokens) => new()
    {
        Model = new ModelSettings { Model = TinyModel.Create(folder.At("model"), hidden: 64), Threads = 1 },
        Adapter = new AdapterSettings { Method = method, Variant = variant == "bat" ? "miss" : variant, Init = variant == "bat" ? "bat" : "default", Rank = 4, Dropout = variant is "ia3" or "lora" or "bat" ? 0 : 0.1, TrainTokens = tokens ? "3,5" : null },
        Data = new DataSettings { Data = TinyModel.CreateData(folder.At("data.jsonl")) },
        Optimization = new OptimizationSettings { MaxSteps = 10, Batch = 4, LearningRate = variant is "ia3" or "adalora" ? 5e-2 : 5e-3 },
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

    private byte[] Bytes(string output, string file) => File.ReadAllBytes(Path.Combine(folder.At(output), file));

    [Theory, MemberData(nameof(Variants))]
    public async Task A_run_learns_resumes_exactly_loads_and_merges(string variant, string method, bool tokens)
    {
        var losses = (await Run(TrainingRun.Create(Settings("whole", variant, method, tokens)))).OfType<StepCompleted>().Select(s => s.Loss).ToList();
        // Three steps together, because batches differ.
        Assert.True(losses[^3..].Average() < losses[..3].Average(), string.Join(", ", losses));
        // In the middle of AdaLoRA's schedule, which takes ranks away from the second step to the seventh.
        await Run(TrainingRun.Create(Settings("broken", variant, method, tokens)), stopAfter: 5);
        await Run(TrainingRun.Resume(folder.At("broken")));
        foreach (var file in new[] { "adapter_model.safetensors", "adapter_config.json", Path.Combine("checkpoint-000010", "trainer.safetensors") }) Assert.Equal(Bytes("whole", file), Bytes("broken", file));

        var config = AdapterConfig.Load(folder.At("whole"));
        Assert.Equal(variant switch { "adalora" => AdapterKind.AdaLora, "miss" or "bat" => AdapterKind.Miss, "ia3" => AdapterKind.Ia3, _ => AdapterKind.Lora }, config.Kind);
        Assert.Equal(variant == "bat", config is MissConfig { IsBat: true });
        if (config is AdaLoraConfig ada)
        {
            // 10 steps: one before, three behind, and a budget of 4 of the 6 ranks that each module began with.
            Assert.Equal((6, 4, 10, 1, 3), (ada.InitialRank, ada.TargetRank, ada.TotalSteps, ada.InitialSteps, ada.FinalSteps));
            Assert.Equal(4 * ada.RankPattern!.Count, ada.RankPattern.Values.Sum(kept => kept.Count(k => k)));
            Assert.True(ada.RankPattern.Values.Select(kept => kept.Count(k => k)).Distinct().Count() > 1, "all modules kept as many ranks");
        }
        var report = AdapterMerger.Merge(folder.At("model"), folder.At("whole"), folder.At("merged"));
        Assert.Equal(method == "qlora" ? MergeBase.Dequantized : MergeBase.Original, report.Base);
        // Trained tokens of a tied embedding are the head's too: one weight stays one.
        Assert.False(report.IsHeadSeparate);
        var check = MergeCheck.Run(folder.At("model"), folder.At("whole"), folder.At("merged"), report, "A short text of some words.");
        // The tiny model is stored in fp32, so that merging rounds once at fp32's precision: a few units in the last place of logits of some tens.
        Assert.True(check.LargestDifference < 2e-3 && check.KullbackLeibler < 1e-6 && check.Top1Agreement == 1, check.ToString());
    }

    [Fact]
    public void Adalora_does_not_stop_early()
    {
        var settings = Settings("early", "adalora", "lora", tokens: false);
        var error = Assert.Throws<LowRankException>(() => TrainingRun.Create(settings with { Evaluation = settings.Evaluation with { Patience = 1 }, Data = settings.Data with { Validation = "0.2" } }));
        Assert.Contains("AdaLoRA cannot stop early", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_of_another_variant_are_refused()
    {
        Assert.Contains("--alpha is not a setting of --variant ia3", Assert.Throws<LowRankException>(() => new AdapterSettings { Variant = "ia3", Alpha = 8 }.ToConfig()).Message, StringComparison.Ordinal);
        Assert.Contains("--initial-rank is not a setting of --variant lora, but of adalora", Assert.Throws<LowRankException>(() => new AdapterSettings { InitialRank = 8 }.ToConfig()).Message, StringComparison.Ordinal);
        Assert.Contains("--dropout has no effect with --init bat", Assert.Throws<LowRankException>(() => new AdapterSettings { Variant = "miss", Init = "bat", Dropout = 0.1 }.ToConfig()).Message, StringComparison.Ordinal);
        Assert.Contains("\"x\" is not the number of a token", Assert.Throws<LowRankException>(() => new AdapterSettings { TrainTokens = "3,x" }.ToConfig()).Message, StringComparison.Ordinal);
        Assert.Equal(12, ((AdaLoraConfig)new AdapterSettings { Variant = "adalora", Rank = 8 }.ToConfig()).InitialRank);
    }
}
