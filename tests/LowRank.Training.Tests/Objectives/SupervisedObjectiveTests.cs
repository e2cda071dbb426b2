using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Optimizers;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Events;
using LowRank.Training.Methods;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;
using LowRank.Training.Settings;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Objectives;

/// <summary>Label smoothing, noise on embeddings, and continued pre-training on plain text in whole runs.</summary>
public sealed class SupervisedObjectiveTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private TrainSettings Settings(string output, ObjectiveSettings objective) => new()
    {
        Model = new ModelSettings { Model = TinyModel.Create(folder.At("model")), Threads = 1 },
        Adapter = new AdapterSettings { Rank = 4 },
        Data = new DataSettings { Data = TinyModel.CreateData(folder.At("data.jsonl")), Validation = "6" },
        Objective = objective,
        Optimization = new OptimizationSettings { MaxSteps = 6, Batch = 4, LearningRate = 1e-2 },
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

    [Fact]
    public void Smoothing_and_noise_change_training_and_not_the_held_out_loss()
    {
        using var model = ModelLoader.Load(TinyModel.Create(folder.At("model")), new ModelLoadOptions());
        var weights = new LoraWeights(model, model.Attach(new LoraConfig { Rank = 4, Alpha = 4 }));
        using var flat = new FlatParameters(weights.Parameters);
        var examples = ExampleBuilder.For(model).Build(Dataset.Load(TinyModel.CreateData(folder.At("data.jsonl"))).Rows, TestContext.Current.CancellationToken).Examples;
        var batch = EpochSampler.OneEpoch(examples, new BatchOptions { Shuffle = false }).First();
        (double Loss, float[] Gradients, double HeldOut) Of(ObjectiveOptions options, long step = 0)
        {
            var objective = Objective.Of(weights, examples, [], new TrainerOptions { Objective = options, Seed = 5 });
            var loss = objective.Backward(batch, new StepPlace(objective.Totals([batch]), step, 0)).Loss;
            var gradients = flat.Gradients.data<float>().ToArray();
            flat.ZeroGradients();
            return (loss, gradients, objective.Evaluate(examples, new BatchOptions()).Loss);
        }
        var (plain, smooth, noisy) = (Of(new ObjectiveOptions()), Of(new ObjectiveOptions { LabelSmoothing = 0.2 }), Of(new ObjectiveOptions { NeftuneAlpha = 5 }));
        Assert.True(Math.Abs(plain.Loss - smooth.Loss) > 1 && Math.Abs(plain.Loss - noisy.Loss) > 1e-2, $"{plain.Loss} {smooth.Loss} {noisy.Loss}");
        Assert.NotEqual(plain.Gradients, smooth.Gradients);
        Assert.Equal((plain.HeldOut, plain.HeldOut), (smooth.HeldOut, noisy.HeldOut));
        // The noise is the step's: the same again, and another one in the next step.
        Assert.Equal(noisy.Gradients, Of(new ObjectiveOptions { NeftuneAlpha = 5 }).Gradients);
        Assert.NotEqual(noisy.Gradients, Of(new ObjectiveOptions { NeftuneAlpha = 5 }, step: 1).Gradients);
    }

    [Fact]
    public async Task A_noisy_run_resumes_exactly_and_checkpointing_changes_nothing()
    {
        var noisy = new ObjectiveSettings { NeftuneAlpha = 5, LabelSmoothing = 0.1 };
        await Run(TrainingRun.Create(Settings("whole", noisy)));
        await Run(TrainingRun.Create(Settings("broken", noisy)), stopAfter: 3);
        await Run(TrainingRun.Resume(folder.At("broken")));
        var settings = Settings("again", noisy);
        await Run(TrainingRun.Create(settings with { Optimization = settings.Optimization with { Checkpointing = "full" } }));
        foreach (var other in new[] { "broken", "again" })
            Assert.Equal(File.ReadAllBytes(folder.At("whole/adapter_model.safetensors")), File.ReadAllBytes(folder.At(other + "/adapter_model.safetensors")));
    }

    [Fact]
    public void Long_texts_are_split_into_pieces_in_which_every_token_is_learned_once()
    {
        using var model = ModelLoader.Load(TinyModel.Create(folder.At("model")), new ModelLoadOptions());
        string[] texts = [string.Join(' ', Enumerable.Range(0, 40).Select(i => $"word{i}")), "short", string.Join(' ', Enumerable.Range(0, 25).Select(i => $"other{i}"))];
        var whole = new ExampleBuilder(model.Tokenizer, model.ChatTemplate, EndOf(model), new ExampleOptions { MaxLength = 100_000 }).Build(Dataset.FromTexts(texts).Rows, TestContext.Current.CancellationToken).Examples;
        foreach (var length in new[] { 2, 3, 16, 17, whole[0].Length - 1, whole[0].Length })
        {
            var set = new ExampleBuilder(model.Tokenizer, model.ChatTemplate, EndOf(model), new ExampleOptions { MaxLength = length }).Build(Dataset.FromTexts(texts).Rows, TestContext.Current.CancellationToken);
            Assert.Equal(0, set.Truncation.TruncatedRows);
            Assert.Equal(whole.Count(e => e.Length > length), set.SplitTexts);
            Assert.Equal(whole.Sum(e => e.SupervisedTokens), set.SupervisedTokens);
            foreach (var text in set.Examples.GroupBy(e => e.Row!).Zip(whole))
            {
                var pieces = text.First.ToList();
                Assert.All(pieces, p => Assert.InRange(p.Length, 2, length));
                for (var i = 1; i < pieces.Count; i++) Assert.Equal(pieces[i - 1].InputIds[^1], pieces[i].InputIds[0]);
                Assert.Equal(text.Second.InputIds.ToArray(), pieces.SelectMany((p, i) => p.InputIds[(i == 0 ? 0 : 1)..].ToArray()));
            }
        }
        // A conversation is cut as before.
        var rows = Dataset.Load(TinyModel.CreateData(folder.At("data.jsonl"), 3)).Rows;
        var longest = ExampleBuilder.For(model).Build(rows, TestContext.Current.CancellationToken).Examples.Max(e => e.Length);
        Assert.True(ExampleBuilder.For(model, new ExampleOptions { MaxLength = longest - 1 }).Build(rows, TestContext.Current.CancellationToken) is { Truncation.TruncatedRows: > 0, SplitTexts: 0 });
    }

    [Fact]
    public async Task Pre_training_on_packed_text_learns_all_of_it_and_each_text_ends()
    {
        var path = folder.Write("corpus.txt", string.Join("\n\n", Enumerable.Range(0, 12).Select(i => string.Join(' ', Enumerable.Repeat($"the {i} times table", 3 + 7 * (i % 4))))));
        var settings = Settings("text", new ObjectiveSettings());
        using var run = TrainingRun.Create(settings with { Data = new DataSettings { Data = path, TrainOn = "all", Packing = true, MaxLength = 64 }, Optimization = settings.Optimization with { MaxSteps = 8, Batch = 2 } });
        Assert.True(run.Examples.SplitTexts > 0);
        Assert.Equal(run.Examples.Tokens - run.Examples.Examples.Count, run.Examples.SupervisedTokens);
        Assert.DoesNotContain(run.Warnings, w => w.Contains("cut", StringComparison.Ordinal));
        var events = await Run(run);
        Assert.Contains(events.OfType<RunStarted>().Single().Choices, c => c.Contains("split into consecutive pieces", StringComparison.Ordinal));
        var steps = events.OfType<StepCompleted>().ToList();
        Assert.True(steps[^1].Loss < steps[0].Loss - 0.2, $"{steps[0].Loss} to {steps[^1].Loss}");
    }

    private static string EndOf(LanguageModel model) => model.Tokenizer.IdToToken(model.EndTokens[0])!;
}
