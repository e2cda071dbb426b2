using System.Runtime.InteropServices;
using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Optimizers;
using LowRank.Testing;
using LowRank.Training.Accumulation;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Objectives;
using LowRank.Training.Objectives.Preferences;
using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace LowRank.Training.Tests.Objectives;

/// <summary>
/// Gradients of preferences through a tiny model, against the plain way: two models, whole logits, and torch's own autograd from the log-probabilities to the states.
/// </summary>
public sealed class PreferenceObjectiveTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private readonly string tiny;

    public PreferenceObjectiveTests() => tiny = TinyModel.Create(folder.At("model"));

    private static ObjectiveOptions Options(string name) => name switch
    {
        "dpo" => new ObjectiveOptions { Kind = ObjectiveKind.Dpo, Beta = 0.3, AnswerWeight = 0.5, LabelSmoothing = 0.1 },
        "hinge" => new ObjectiveOptions { Kind = ObjectiveKind.Dpo, DpoLoss = DpoLoss.Hinge, Beta = 0.3 },
        "ipo" => new ObjectiveOptions { Kind = ObjectiveKind.Dpo, DpoLoss = DpoLoss.Ipo, Beta = 0.3 },
        "robust" => new ObjectiveOptions { Kind = ObjectiveKind.Dpo, DpoLoss = DpoLoss.Robust, Beta = 0.3, LabelSmoothing = 0.2 },
        "orpo" => new ObjectiveOptions { Kind = ObjectiveKind.Orpo, Beta = 0.7 },
        _ => new ObjectiveOptions { Kind = ObjectiveKind.SimPo, Beta = 2, Gamma = 0.4 },
    };

    [Theory]
    [InlineData("dpo", "all-linear", false), InlineData("dpo", "lm_head,q_proj", false), InlineData("hinge", "qv", false), InlineData("ipo", "qv", false), InlineData("robust", "qv", true), InlineData("orpo", "all-linear", true), InlineData("simpo", "qv", false)]
    public void Gradients_are_those_of_the_plain_computation_with_two_models(string name, string target, bool checkpointed)
    {
        var options = new TrainerOptions { Objective = Options(name), Batches = new BatchOptions { BatchSize = 3 }, CheckpointedLayers = checkpointed ? 2 : 0 };
        using var model = Adapted(target);
        using var alone = ModelLoader.Load(tiny, new ModelLoadOptions());
        using var flat = new FlatParameters(model.Adapter!.Parameters);
        var examples = Examples(model);
        var objective = Objective.Of(new LoraWeights(model, model.Adapter!), examples, [], options);
        var batches = EpochSampler.OneEpoch(examples, options.Batches with { Shuffle = false }).ToArray();
        var totals = objective.Totals(batches);

        // Accumulated over micro-batches of 3 and 2 pairs.
        var loss = batches.Select((b, i) => objective.Backward(b, new StepPlace(totals, 0, i)).Loss).Sum() / totals.Terms;
        var got = Take(flat);
        var whole = Assert.Single(EpochSampler.OneEpoch(examples, options.Batches with { BatchSize = 5, Shuffle = false }));
        var want = Plain(model, alone, whole, options.Objective);

        Assert.Equal(5, totals.Terms);
        // fp32 sums over some hundred tokens whose order differs.
        Assert.Equal(want, loss, 2e-5 * Math.Max(1, Math.Abs(want)));
        var gradients = Take(flat);
        var largest = gradients.Max(Math.Abs);
        Assert.True(largest > 1e-3, $"the largest gradient is {largest}");
        Near.All(gradients, got, 1e-4 * largest, "gradients");
        // The held-out loss is the same figure without gradients.
        Assert.Equal(want, Objective.Of(new LoraWeights(model, model.Adapter!), examples, examples, options).Evaluate(examples, options.Batches).Loss, 2e-5 * Math.Max(1, Math.Abs(want)));
    }

    [Theory]
    [InlineData("dpo"), InlineData("orpo"), InlineData("simpo")]
    public void A_step_that_is_cut_between_pairs_has_the_gradient_of_the_whole(string name)
    {
        var options = new TrainerOptions { Objective = Options(name), Batches = new BatchOptions { BatchSize = 5, Shuffle = false } };
        using var model = Adapted("all-linear");
        using var flat = new FlatParameters(model.Adapter!.Parameters);
        var examples = Examples(model);
        var objective = Objective.Of(new LoraWeights(model, model.Adapter!), examples, [], options);
        Batch[] micro = [.. EpochSampler.OneEpoch(examples, options.Batches)];
        var totals = objective.Totals(micro);
        (BatchLoss Sum, float[] Gradient, List<int> Pairs) Step(int fitting)
        {
            var pairs = new List<int>();
            var sum = new StepGradient(options).Compute(micro, (batch, number) =>
            {
                Assert.Equal(2 * batch.Pairs, batch.Rows);
                pairs.Add(batch.Pairs);
                var loss = objective.Backward(batch, new StepPlace(totals, 0, number));
                return batch.Pairs <= fitting ? loss : throw new ExternalException("CUDA out of memory. Tried to allocate 2.00 GiB.");
            }, flat.ZeroGradients);
            return (sum, Take(flat), pairs);
        }
        var (whole, parts) = (Step(5), Step(2));
        Assert.Equal([5], whole.Pairs);
        Assert.Equal([5, 3, 2, 2, 1], parts.Pairs);
        // Sums of fp32 in another order.
        Assert.Equal(whole.Sum.Loss, parts.Sum.Loss, 1e-5 * Math.Abs(whole.Sum.Loss));
        Assert.Equal((whole.Sum.Preferences.Pairs, whole.Sum.Preferences.Right), (parts.Sum.Preferences.Pairs, parts.Sum.Preferences.Right));
        Assert.Equal(whole.Sum.Preferences.ChosenReward, parts.Sum.Preferences.ChosenReward, 1e-3);
        Near.All(whole.Gradient, parts.Gradient, 2e-5 * whole.Gradient.Max(Math.Abs), "gradients");
    }

    [Fact]
    public void The_reference_is_the_base_and_does_not_depend_on_the_batch()
    {
        using var model = Adapted("all-linear");
        using var alone = ModelLoader.Load(tiny, new ModelLoadOptions());
        var examples = Examples(model);
        var reference = new ReferenceLogProbabilities(model, model.Adapter!, examples, 0);
        for (var i = examples.Count - 1; i >= 0; i--)
        {
            var (chosen, rejected) = reference.Of(i);
            // The same batch through a model that never had an adapter: the same bits.
            var losses = CausalLoss.EvaluateEach(alone.Decoder, Assert.Single(EpochSampler.OneEpoch([examples[i]], new BatchOptions())));
            Assert.Equal((-losses[0], -losses[1]), (chosen, rejected));
            Assert.True(Math.Abs(-CausalLoss.EvaluateEach(model.Decoder, Assert.Single(EpochSampler.OneEpoch([examples[i]], new BatchOptions())))[0] - chosen) > 1e-3);
        }
        Assert.True(model.Adapter!.IsShown);
    }

    [Fact]
    public void A_batch_of_preferences_holds_the_better_answers_first()
    {
        using var model = ModelLoader.Load(tiny, new ModelLoadOptions());
        var examples = Examples(model);
        var batch = EpochSampler.OneEpoch(examples, new BatchOptions { BatchSize = 2, Shuffle = false, PadTokenId = 7 }).First();
        Assert.Equal((4, 2), (batch.Rows, batch.Pairs));
        Assert.Equal([0, 1], batch.Examples);
        for (var row = 0; row < 4; row++)
        {
            var example = row < 2 ? examples[row] : examples[row - 2].Rejected!;
            Assert.Equal(example.InputIds.ToArray().Select(t => (long)t), batch.InputIds.Skip(row * batch.Length).Take(example.Length));
            Assert.All(batch.InputIds.Skip(row * batch.Length + example.Length).Take(batch.Length - example.Length), t => Assert.Equal(7, t));
        }
        Assert.Equal(examples.Take(2).Sum(e => e.SupervisedTokens + e.Rejected!.SupervisedTokens), batch.SupervisedTokens);
    }

    [Fact]
    public void What_cannot_be_compared_is_refused()
    {
        using var model = ModelLoader.Load(tiny, new ModelLoadOptions());
        var pairs = Examples(model);
        var options = new TrainerOptions { Objective = new ObjectiveOptions { Kind = ObjectiveKind.Dpo } };
        var single = ExampleBuilder.For(model).Build(Dataset.Load(TinyModel.CreateData(folder.At("single.jsonl"), 2)).Rows, TestContext.Current.CancellationToken).Examples;
        model.Attach(new LoraConfig { Rank = 2, Alpha = 2, Bias = BiasTraining.All });
        var weights = new LoraWeights(model, model.Adapter!);
        Assert.Contains("leave no base to compare with", Assert.Throws<LowRankException>(() => Objective.Of(weights, pairs, [], options)).Message, StringComparison.Ordinal);
        Assert.Contains("is no preference", Assert.Throws<LowRankException>(() => Objective.Of(weights, pairs, single, options)).Message, StringComparison.Ordinal);
        Assert.Contains("is a preference", Assert.Throws<LowRankException>(() => Objective.Of(weights, pairs, [], new TrainerOptions())).Message, StringComparison.Ordinal);
        Assert.Contains("not packed", Assert.Throws<LowRankException>(() => Objective.Of(weights, pairs, [], options with { Batches = new BatchOptions { Layout = BatchLayout.Packed } })).Message, StringComparison.Ordinal);
    }

    private List<Example> Examples(LanguageModel model) =>
        [.. ExampleBuilder.For(model, new ExampleOptions { Preferences = true }).Build(Dataset.Load(PreferenceData.Create(folder.At("pairs.jsonl"), 5)).Rows, TestContext.Current.CancellationToken).Examples];

    private LanguageModel Adapted(string target)
    {
        var model = ModelLoader.Load(tiny, new ModelLoadOptions());
        model.Attach(new LoraConfig { Rank = 4, Alpha = 8, TargetModules = ModulePattern.Parse(target) }, seed: 3);
        using var generator = new Generator(5, CPU);
        using var noGrad = no_grad();
        foreach (var value in model.Adapter!.Values().Where(v => v.Key.Contains("lora_B", StringComparison.Ordinal)))
            using (var random = randn(value.Value.shape, generator: generator).mul_(0.1f)) value.Value.copy_(random);
        return model;
    }

    // Whole logits of both models, and torch differentiates everything above the states.
    private static double Plain(LanguageModel policy, LanguageModel reference, Batch batch, ObjectiveOptions options)
    {
        using var scope = NewDisposeScope();
        using var input = CausalLoss.Input(batch, CPU);
        using var pass = policy.Decoder.Train(input);
        var states = pass.Hidden.detach().requires_grad_(true);
        var (logps, counts, own) = LogProbabilities(policy, states, batch, options.Kind == ObjectiveKind.Orpo);
        Tensor referenceLogps;
        using (no_grad()) referenceLogps = LogProbabilities(reference, reference.Decoder.Hidden(input), batch, false).Logps;
        Tensor Better(Tensor x) => x.narrow(0, 0, batch.Pairs);
        Tensor Worse(Tensor x) => x.narrow(0, batch.Pairs, batch.Pairs);
        var (chosen, rejected, chosenCount, rejectedCount) = (Better(logps), Worse(logps), Better(counts), Worse(counts));
        var (chosenRatio, rejectedRatio) = (chosen - Better(referenceLogps), rejected - Worse(referenceLogps));
        var z = (chosenRatio - rejectedRatio) * options.Beta;
        var smooth = options.LabelSmoothing;
        Tensor Odds(Tensor p) => p - (1 - p.exp()).log();
        var each = (options.Kind, options.DpoLoss) switch
        {
            (ObjectiveKind.Orpo, _) => -logsigmoid(Odds(chosen / chosenCount) - Odds(rejected / rejectedCount)) * options.Beta,
            (ObjectiveKind.SimPo, _) => -logsigmoid((chosen / chosenCount - rejected / rejectedCount) * options.Beta - options.Gamma),
            (_, DpoLoss.Hinge) => relu(1 - z),
            (_, DpoLoss.Ipo) => (chosenRatio / chosenCount - rejectedRatio / rejectedCount - 1 / (2 * options.Beta)).pow(2),
            (_, DpoLoss.Robust) => (-logsigmoid(z) * (1 - smooth) + logsigmoid(-z) * smooth) / (1 - 2 * smooth),
            _ => -logsigmoid(z) * (1 - smooth) - logsigmoid(-z) * smooth,
        };
        var loss = each.mean() + own * (options.Kind == ObjectiveKind.Orpo ? 1 : options.AnswerWeight);
        loss.backward();
        pass.Backward(pass.Hidden, states.grad!);
        return loss.item<float>();
    }

    private static (Tensor Logps, Tensor Counts, Tensor Own) LogProbabilities(LanguageModel model, Tensor states, Batch batch, bool ownWithPrompt)
    {
        Tensor Next(long[] values) => tensor(values, [batch.Rows, batch.Length]).narrow(1, 1, batch.Length - 1);
        var answer = Next(batch.Labels).ne(Batch.IgnoredLabel).to(ScalarType.Float32);
        var logps = log_softmax(model.Decoder.Logits(states), -1).narrow(1, 0, batch.Length - 1).gather(2, Next(batch.InputIds).unsqueeze(-1)).squeeze(-1);
        var text = (ownWithPrompt ? Next(batch.SequenceIds).ne(0).to(ScalarType.Float32) : answer).narrow(0, 0, batch.Pairs);
        return ((logps * answer).sum(1), answer.sum(1), -(logps.narrow(0, 0, batch.Pairs) * text).sum() / text.sum());
    }

    private static float[] Take(FlatParameters flat)
    {
        var taken = flat.Gradients.data<float>().ToArray();
        flat.ZeroGradients();
        return taken;
    }
}
