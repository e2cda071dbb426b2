using System.Runtime.InteropServices;
using System.Text.Json;
using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Optimizers;
using LowRank.Testing;
using LowRank.Training.Accumulation;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Objectives;
using LowRank.Training.Objectives.Kto;
using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace LowRank.Training.Tests.Objectives;

/// <summary>KTO's loss in plain arithmetic, and its gradients through a tiny model against the plain way: two models, whole logits, and torch's own autograd.</summary>
public sealed class KtoObjectiveTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string tiny;

    public KtoObjectiveTests() => tiny = TinyModel.Create(folder.At("model"));

    public void Dispose() => folder.Dispose();

    private static readonly ObjectiveOptions Kto = new() { Kind = ObjectiveKind.Kto, Beta = 0.3, DesirableWeight = 1.2, UndesirableWeight = 0.7 };

    [Fact]
    public void The_loss_is_the_papers_and_its_slope_that_of_numerical_differences()
    {
        var loss = new KtoLoss(Kto);
        foreach (var ratio in new[] { -40, -3.2, -0.1, 0, 0.4, 5, 60 })
            foreach (var kl in new[] { 0, 0.7, 4 })
                foreach (var isGood in new[] { true, false })
                {
                    double Plain(double r) => isGood ? 1.2 * (1 - 1 / (1 + Math.Exp(-0.3 * (r - kl)))) : 0.7 * (1 - 1 / (1 + Math.Exp(-0.3 * (kl - r))));
                    var term = loss.Of(ratio, isGood, kl);
                    // fp64 arithmetic in another order; central differences with a step of 1e-5 are off by its square and by rounding over it.
                    Assert.Equal(Plain(ratio), term.Loss, 1e-12);
                    Assert.Equal((Plain(ratio + 1e-5) - Plain(ratio - 1e-5)) / 2e-5, term.Gradient, 1e-9);
                    Assert.Equal(0.3 * ratio, term.Reward, 1e-12);
                    Assert.Equal(isGood ? ratio > kl : ratio < kl, term.IsRight);
                }
    }

    [Fact, Trait("Category", "Golden")]
    public void The_reference_point_is_the_goldens_and_never_below_zero()
    {
        var file = Golden.At("numerics", "losses", "cases.json");
        Assert.SkipUnless(File.Exists(file), $"absent: {file}");
        var golden = JsonElement.Parse(File.ReadAllBytes(file)).GetProperty("kto_kl_estimate");
        var tensors = new GoldenTensors(Golden.At("numerics", "losses", "cases.safetensors"));
        double[] Values(string name) => [.. tensors.Floats(golden.GetProperty(name).GetString()!).Select(v => (double)v)];
        var (policy, reference) = (Values("policy"), Values("reference"));
        Assert.Equal(golden.GetProperty("kl").GetDouble(), KtoLoss.ReferencePoint(policy, reference), 1e-6);
        Assert.Equal(0, KtoLoss.ReferencePoint(reference, policy));
    }

    [Theory]
    [InlineData("all-linear", false), InlineData("lm_head,q_proj", true)]
    public void Gradients_are_those_of_the_plain_computation_with_two_models(string target, bool checkpointed)
    {
        var options = new TrainerOptions { Objective = Kto, Batches = new BatchOptions { BatchSize = 3 }, Accumulate = 2, CheckpointedLayers = checkpointed ? 2 : 0 };
        using var alone = ModelLoader.Load(tiny, new ModelLoadOptions());
        // Some adapters lower what the model thinks of others' answers, and their reference point is 0: one that raises it is the sharper test.
        for (var seed = 1; ; seed++)
        {
            using var model = Adapted(target, seed);
            var examples = Examples(model, 5);
            var objective = Objective.Of(new LoraWeights(model, model.Adapter!), examples, examples, options);
            Batch[] batches = [.. EpochSampler.OneEpoch(examples, options.Batches with { Shuffle = false })];
            var totals = objective.Totals(batches);
            Assert.True(seed < 50, "no adapter of 50 has a reference point above 0");
            if (totals.Kl < 0.01) continue;

            using var flat = new FlatParameters(model.Adapter!.Parameters);
            // Accumulated over micro-batches of 3 and 2 rows.
            var loss = batches.Select((b, i) => objective.Backward(b, new StepPlace(totals, 0, i)).Loss).Sum() / totals.Terms;
            var got = Take(flat);
            var (want, kl) = Plain(model, alone, examples);
            Assert.Equal(5, totals.Terms);
            // fp32 sums over some dozen tokens whose order differs.
            Assert.Equal(kl, totals.Kl, 1e-3 * kl);
            Assert.Equal(want, loss, 2e-5);
            var gradients = Take(flat);
            var largest = gradients.Max(Math.Abs);
            Assert.True(largest > 1e-3, $"the largest gradient is {largest}");
            Near.All(gradients, got, 1e-3 * largest, "gradients");
            // The held-out loss is the same figure without gradients, whatever the batch.
            var held = objective.Evaluate(examples, options.Batches with { BatchSize = 2 });
            Assert.Equal(want, held.Loss, 2e-5);
            Assert.Equal((3, 2), (held.Preferences.Good, held.Preferences.Bad));
            Assert.Equal(kl, held.Preferences.ToMetrics()!.Kl!.Value, 1e-3 * kl);
            return;
        }
    }

    [Fact]
    public void A_step_that_is_cut_between_rows_has_the_gradient_of_the_whole()
    {
        var options = new TrainerOptions { Objective = Kto, Batches = new BatchOptions { BatchSize = 5, Shuffle = false } };
        using var model = Adapted("all-linear", 3);
        using var flat = new FlatParameters(model.Adapter!.Parameters);
        var examples = Examples(model, 5);
        var objective = Objective.Of(new LoraWeights(model, model.Adapter!), examples, [], options);
        Batch[] micro = [.. EpochSampler.OneEpoch(examples, options.Batches)];
        var totals = objective.Totals(micro);
        (BatchLoss Sum, float[] Gradient) Step(int fitting)
        {
            var sum = new StepGradient(options).Compute(micro, (batch, number) =>
            {
                var loss = objective.Backward(batch, new StepPlace(totals, 0, number));
                return batch.Rows <= fitting ? loss : throw new ExternalException("CUDA out of memory. Tried to allocate 2.00 GiB.");
            }, flat.ZeroGradients);
            return (sum, Take(flat));
        }
        var (whole, parts) = (Step(5), Step(2));
        // Sums of fp32 in another order.
        Assert.Equal(whole.Sum.Loss, parts.Sum.Loss, 1e-5);
        Assert.Equal((3, 2), (parts.Sum.Preferences.Good, parts.Sum.Preferences.Bad));
        Near.All(whole.Gradient, parts.Gradient, 2e-5 * whole.Gradient.Max(Math.Abs), "gradients");
    }

    [Fact]
    public void A_new_adapter_has_no_reference_point_and_half_the_weights_as_its_loss()
    {
        using var model = ModelLoader.Load(tiny, new ModelLoadOptions());
        model.Attach(new LoraConfig { Rank = 2, Alpha = 2 });
        var examples = Examples(model, 4);
        var objective = Objective.Of(new LoraWeights(model, model.Adapter!), examples, examples, new TrainerOptions { Objective = Kto });
        var held = objective.Evaluate(examples, new BatchOptions { BatchSize = 4 });
        // σ(0) = 1/2 for each answer, up to the rounding of another batch.
        Assert.Equal((1.2 + 0.7) / 4, held.Loss, 1e-4);
        Assert.Equal(0, held.Preferences.ToMetrics()!.Kl!.Value, 1e-3);
        Assert.Equal(0, held.Preferences.ToMetrics()!.Margin, 1e-3);
    }

    [Fact]
    public void Pairs_become_a_good_and_a_bad_example_each()
    {
        using var model = ModelLoader.Load(tiny, new ModelLoadOptions());
        var rows = Dataset.Load(PreferenceData.Create(folder.At("pairs.jsonl"), 4)).Rows;
        var token = TestContext.Current.CancellationToken;
        var pairs = ExampleBuilder.For(model, new ExampleOptions { Preferences = true }).Build(rows, token).Examples;
        var judged = ExampleBuilder.For(model, new ExampleOptions { Judged = true }).Build(rows, token);
        Assert.Equal(Enumerable.Repeat((bool?[])[true, false], 4).SelectMany(b => b), judged.Examples.Select(e => e.IsGood));
        Assert.All(judged.Examples, e => Assert.Null(e.Rejected));
        Assert.Equal(pairs.SelectMany(p => (Example[])[p, p.Rejected!]).Select(e => e.InputIds.ToArray()), judged.Examples.Select(e => e.InputIds.ToArray()));
        // What truncation cost is told of each answer by itself.
        var most = pairs.Max(p => p.PairLength) - 1;
        var (cutPairs, cut) = (ExampleBuilder.For(model, new ExampleOptions { Preferences = true, MaxLength = most }).Build(rows, token), ExampleBuilder.For(model, new ExampleOptions { Judged = true, MaxLength = most }).Build(rows, token));
        Assert.True(cut.Truncation.LostTokens > 0);
        Assert.Equal((cutPairs.Truncation.LostTokens, cutPairs.Truncation.LostSupervisedTokens), (cut.Truncation.LostTokens, cut.Truncation.LostSupervisedTokens));
    }

    [Fact]
    public void What_cannot_be_judged_is_refused()
    {
        using var model = ModelLoader.Load(tiny, new ModelLoadOptions());
        var judged = Examples(model, 4);
        var single = ExampleBuilder.For(model).Build(Dataset.Load(TinyModel.CreateData(folder.At("single.jsonl"), 2)).Rows, TestContext.Current.CancellationToken).Examples;
        var options = new TrainerOptions { Objective = Kto };
        model.Attach(new LoraConfig { Rank = 2, Alpha = 2 });
        var weights = new LoraWeights(model, model.Adapter!);
        void Refused(string part, IReadOnlyList<Example> examples, TrainerOptions with) => Assert.Contains(part, Assert.Throws<LowRankException>(() => Objective.Of(weights, examples, [], with)).Message, StringComparison.Ordinal);
        Refused("is not judged", single, options);
        Refused("is a judged answer: train on it with KTO", judged, new TrainerOptions());
        Refused("is no preference", judged, new TrainerOptions { Objective = new ObjectiveOptions { Kind = ObjectiveKind.Dpo } });
        Refused("not packed", judged, options with { Batches = new BatchOptions { Layout = BatchLayout.Packed } });
        Refused("a step of one row has none", judged, options with { Batches = new BatchOptions { BatchSize = 1 } });
        Refused("two rows or more", [judged[0]], options);
        Refused("not both 0", judged, options with { Objective = Kto with { DesirableWeight = 0, UndesirableWeight = 0 } });
        using var other = ModelLoader.Load(tiny, new ModelLoadOptions());
        other.Attach(new LoraConfig { Rank = 2, Alpha = 2, Bias = BiasTraining.All });
        Assert.Contains("KTO compares with the base model", Assert.Throws<LowRankException>(() => Objective.Of(new LoraWeights(other, other.Adapter!), judged, [], options)).Message, StringComparison.Ordinal);
    }

    private List<Example> Examples(LanguageModel model, int rows) =>
        [.. ExampleBuilder.For(model, new ExampleOptions { Judged = true }).Build(Dataset.Load(JudgedData.Create(folder.At("judged.jsonl"), rows)).Rows, TestContext.Current.CancellationToken).Examples];

    private LanguageModel Adapted(string target, int seed)
    {
        var model = ModelLoader.Load(tiny, new ModelLoadOptions());
        model.Attach(new LoraConfig { Rank = 4, Alpha = 8, TargetModules = ModulePattern.Parse(target) }, seed: 3);
        using var generator = new Generator((ulong)seed, CPU);
        using var noGrad = no_grad();
        foreach (var value in model.Adapter!.Values().Where(v => v.Key.Contains("lora_B", StringComparison.Ordinal)))
            using (var random = randn(value.Value.shape, generator: generator).mul_(0.1f)) value.Value.copy_(random);
        return model;
    }

    // Row by row with both models; torch differentiates everything above the states, with the reference point as a number.
    private static (double Loss, double Kl) Plain(LanguageModel policy, LanguageModel reference, IReadOnlyList<Example> examples)
    {
        using var scope = NewDisposeScope();
        double Value(LanguageModel model, Example example)
        {
            using var noGrad = no_grad();
            var batch = Assert.Single(EpochSampler.OneEpoch([example], new BatchOptions()));
            using var input = CausalLoss.Input(batch, CPU);
            return LogProbability(model, model.Decoder.Hidden(input), batch).item<float>();
        }
        // Prompt of each row, answer of the row before it.
        Example[] mismatched = [.. examples.Select((example, i) =>
        {
            var other = examples[(i + examples.Count - 1) % examples.Count];
            var (prompt, answer) = (example.Supervised.IndexOf(true), other.Supervised.IndexOf(true));
            return new Example([.. example.InputIds[..prompt], .. other.InputIds[answer..]], [.. new bool[prompt], .. other.Supervised[answer..]]);
        })];
        // The tests' rows are short of each other by a few tokens at most: what is cut at the longest row is cut here too.
        var longest = examples.Max(e => e.Length);
        mismatched = [.. mismatched.Select(e => e.Length <= longest ? e : new Example(e.InputIds[..longest].ToArray(), e.Supervised[..longest].ToArray()))];
        var kl = Math.Max(0, mismatched.Average(e => Value(policy, e) - Value(reference, e)));
        var total = 0.0;
        foreach (var example in examples)
        {
            var batch = Assert.Single(EpochSampler.OneEpoch([example], new BatchOptions()));
            using var input = CausalLoss.Input(batch, CPU);
            using var pass = policy.Decoder.Train(input);
            var states = pass.Hidden.detach().requires_grad_(true);
            var ratio = LogProbability(policy, states, batch) - Value(reference, example);
            var lead = (ratio - kl) * Kto.Beta;
            var loss = (example.IsGood == true ? (1 - lead.sigmoid()) * Kto.DesirableWeight : (1 - (-lead).sigmoid()) * Kto.UndesirableWeight) / examples.Count;
            loss.backward();
            pass.Backward(pass.Hidden, states.grad!);
            total += loss.item<float>();
        }
        return (total, kl);
    }

    private static Tensor LogProbability(LanguageModel model, Tensor states, Batch batch)
    {
        Tensor Next(long[] values) => tensor(values, [batch.Rows, batch.Length]).narrow(1, 1, batch.Length - 1);
        var answer = Next(batch.Labels).ne(Batch.IgnoredLabel).to(ScalarType.Float32);
        return (log_softmax(model.Decoder.Logits(states), -1).narrow(1, 0, batch.Length - 1).gather(2, Next(batch.InputIds).unsqueeze(-1)).squeeze(-1) * answer).sum();
    }

    private static float[] Take(FlatParameters flat)
    {
        var taken = flat.Gradients.data<float>().ToArray();
        flat.ZeroGradients();
        return taken;
    }
}
