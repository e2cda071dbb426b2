using LowRank.Adapters;
using LowRank.Models.Checkpoints;
using LowRank.Optimizers;
using LowRank.Quantization;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Events;
using LowRank.Training.Methods;
using LowRank.Training.Packing;
using LowRank.Training.SideBySide;
using LowRank.Training.Tests.Goldens;
using TorchSharp;

namespace LowRank.Training.Tests.SideBySide;

/// <summary>Adapters that are trained side by side against each alone.</summary>
public sealed class SideBySideTests : IDisposable
{
    private const int Steps = 6;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static TrainerOptions Options(double rate, int accumulate, bool packed, double? plus = null) => new()
    {
        TotalSteps = Steps,
        Accumulate = accumulate,
        LearningRate = rate,
        Plus = plus is { } ratio ? new LoraPlus(ratio) : null,
        Batches = new BatchOptions { BatchSize = packed ? 1 : 3, Layout = packed ? BatchLayout.Packed : BatchLayout.Padded, RowLength = 128, Seed = (long)(rate * 1e4) },
        Seed = 1,
    };

    private static SideBySideAdapter[] Adapters(int accumulate, bool packed) =>
    [
        new("small", new LoraConfig { Rank = 2, TargetModules = ["q_proj", "v_proj"] }, Options(1e-2, accumulate, packed)),
        new("wide", new LoraConfig { Rank = 8, Alpha = 16, UseRslora = true, TargetModules = ModulePattern.AllLinear }, Options(3e-3, accumulate, packed, plus: 4)),
        new("lengths", new LoraConfig { Rank = 4, UseDora = true, TargetModules = ["down_proj", "o_proj"] }, Options(5e-3, accumulate, packed)),
        new("factors", new Ia3Config { TargetModules = ["k_proj", "v_proj", "down_proj"], FeedForwardModules = ["down_proj"] }, Options(5e-2, accumulate, packed)),
    ];

    private (string Model, IReadOnlyList<Example> Examples) Task()
    {
        var path = TinyModel.Create(folder.At("model"), hidden: 64);
        using var model = ModelLoader.Load(path, new ModelLoadOptions { Device = torch.CPU, Threads = 1 });
        return (path, ExampleBuilder.For(model, new ExampleOptions { MaxLength = 128 }).Build(Dataset.Load(TinyModel.CreateData(folder.At("data.jsonl"))).Rows).Examples);
    }

    [Theory]
    [InlineData(1, false, false, null), InlineData(2, false, true, null), InlineData(1, true, false, 2), InlineData(1, false, false, 1)]
    public void Each_learns_what_it_learns_alone(int accumulate, bool packed, bool fourBit, int? together)
    {
        var (path, examples) = Task();
        var load = new ModelLoadOptions { Device = torch.CPU, Threads = 1, Quantization = fourBit ? new FourBitOptions() : null };
        var alone = Adapters(accumulate, packed).ToDictionary(a => a.Name, a =>
        {
            using var model = ModelLoader.Load(path, load);
            var weights = new LoraWeights(model, model.Attach(a.Config, a.Options.Seed));
            using var trainer = new Trainer(weights, examples, [], a.Options with { Silenced = [.. LowRank.Training.Guards.GuardIds.All] });
            var losses = new List<double>();
            trainer.Run(e => { if (e is StepCompleted s) losses.Add(s.Loss); }, CancellationToken.None);
            return (Losses: losses, Values: weights.Parameters.ToDictionary(p => p.Name, p => LoraGoldenTests.Floats(p.Value)));
        });

        using var shared = ModelLoader.Load(path, load);
        using var side = new SideBySideTrainer(shared, Adapters(accumulate, packed), examples, together);
        var found = side.Names.ToDictionary(n => n, _ => new List<double>());
        for (var step = 0; step < Steps; step++)
            foreach (var s in side.Step()) found[s.Name].Add(s.Loss);
        foreach (var name in side.Names)
        {
            // Sums in another order at the first step; later AdamW turns a gradient near zero into a step of full length, so that losses part by what a few such elements do.
            Assert.Equal(alone[name].Losses[0], found[name][0], 1e-5);
            for (var step = 1; step < Steps; step++) Assert.Equal(alone[name].Losses[step], found[name][step], 1e-3);
            side.Save(name, folder.At($"{together}{accumulate}{packed}{fourBit}/{name}"));
            using var saved = AdapterFolder.Open(folder.At($"{together}{accumulate}{packed}{fourBit}/{name}"));
            foreach (var (key, wanted) in alone[name].Values)
            {
                var got = new float[wanted.Length];
                Assert.True(saved.TryRead(AdapterKeys.ToKey(key), got), key);
                // 99 of 100 elements to a hundredth of the way that an element can go; AdamW's direction of the others is rounding.
                var way = Steps * Adapters(1, false).Single(a => a.Name == name).Options.LearningRate * 4;
                Assert.True(wanted.Zip(got).Count(p => Math.Abs(p.First - p.Second) > 0.01 * way) <= 0.01 * wanted.Length + 1, $"{name}: {key}");
            }
        }
    }

    [Fact]
    public void One_that_is_taken_out_leaves_the_others_as_they_are()
    {
        var (path, examples) = Task();
        using var model = ModelLoader.Load(path, new ModelLoadOptions { Device = torch.CPU, Threads = 1 });
        List<double> Losses(bool remove)
        {
            using var side = new SideBySideTrainer(model, Adapters(1, false), examples);
            var losses = new List<double>();
            for (var step = 0; step < Steps; step++)
            {
                losses.AddRange(side.Step().Where(s => s.Name == "wide").Select(s => s.Loss));
                if (remove && step == 2) side.Remove("small");
            }
            Assert.Equal(remove ? 3 : 4, side.Names.Count);
            return losses;
        }

        foreach (var (all, fewer) in Losses(false).Zip(Losses(true))) Assert.Equal(all, fewer, 1e-3);
        Assert.Null(model.Adapters);
    }

    [Fact]
    public void What_cannot_share_a_batch_is_refused()
    {
        var (path, examples) = Task();
        using var model = ModelLoader.Load(path, new ModelLoadOptions { Device = torch.CPU, Threads = 1 });
        void Refused(string word, params SideBySideAdapter[] adapters) => Assert.Contains(word, Assert.Throws<LowRankException>(() => new SideBySideTrainer(model, adapters, examples)).Message, StringComparison.Ordinal);
        var options = Options(1e-3, 1, false);
        Refused("dropout", new SideBySideAdapter("a", new LoraConfig { Dropout = 0.1, TargetModules = ["q_proj"] }, options));
        Refused("the objective here is Dpo", new SideBySideAdapter("a", new LoraConfig { TargetModules = ["q_proj"] }, options with { Objective = new LowRank.Training.Objectives.ObjectiveOptions { Kind = LowRank.Training.Objectives.ObjectiveKind.Dpo } }));
        Refused("AdaLoRA", new SideBySideAdapter("a", new AdaLoraConfig { TargetModules = ["q_proj"] }, options));
        Refused("must be those of a", new SideBySideAdapter("a", new LoraConfig { TargetModules = ["q_proj"] }, options), new SideBySideAdapter("b", new LoraConfig { TargetModules = ["q_proj"] }, options with { Accumulate = 2 }));
    }
}
