using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Optimizers;
using LowRank.Quantization;
using LowRank.Testing;
using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Guards;
using LowRank.Training.Settings;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Guards;

/// <summary>What guards read off models, adapters and settings.</summary>
public sealed class GuardModelTests : IDisposable
{
    private readonly GuardedRuns runs = new();

    public void Dispose() => runs.Dispose();

    [Fact]
    public void The_base_in_memory_has_the_fingerprint_of_its_loading()
    {
        foreach (var path in (string[])[runs.Model("model"), GuardedRuns.TinyAsset])
        {
            using var model = ModelLoader.Load(path, new ModelLoadOptions(), TestContext.Current.CancellationToken);
            Assert.Equal(model.Fingerprint, BaseTensors.Fingerprint(model.Decoder.Slots));
            model.Attach(new LoraConfig { Rank = 4, Alpha = 4, TargetModules = "all-linear", ModulesToSave = ["norm", "embed_tokens"] });
            Assert.Equal(model.Fingerprint, BaseTensors.Fingerprint(model.Decoder.Slots));
            model.Detach();
        }
    }

    [Fact]
    [Trait("Category", "RealModel")]
    public void So_it_has_when_it_comes_from_a_gguf_file()
    {
        using var model = ModelLoader.Load(RealModels.Require(RealModels.SmolLM2), new ModelLoadOptions(), TestContext.Current.CancellationToken);
        Assert.Equal(model.Fingerprint, BaseTensors.Fingerprint(model.Decoder.Slots));
    }

    [Fact]
    public void A_4_bit_base_is_hashed_and_timed_as_it_is()
    {
        using var model = ModelLoader.Load(GuardedRuns.TinyAsset, new ModelLoadOptions { Quantization = new FourBitOptions(), Threads = 1 }, TestContext.Current.CancellationToken);
        Assert.True(BaseTensors.AreQuantized(model.Decoder.Slots));
        var before = BaseTensors.Fingerprint(model.Decoder.Slots);
        Assert.NotEqual(model.Fingerprint.Weights, before.Weights);
        Assert.Equal(before, BaseTensors.Fingerprint(model.Decoder.Slots));
        var speed = DecodingSpeed.Measure(model);
        Assert.True(double.IsFinite(speed.FourBit) && double.IsFinite(speed.SixteenBit) && speed.FourBit > 0 && speed.SixteenBit > 0, speed.ToString());
        var slot = model.Decoder.Slots.OfType<LinearSlot>().First();
        Flip(((FourBitWeight)slot.FrozenBase().Weight).Parts);
        Assert.NotEqual(before.Weights, BaseTensors.Fingerprint(model.Decoder.Slots).Weights);
    }

    private static unsafe void Flip(FourBitParts parts) => parts.Packed.Pointer[7] ^= 1;

    [Fact]
    public void Parameters_that_never_get_a_gradient_are_named()
    {
        using var scope = NewDisposeScope();
        TrainableParameter[] parameters = [new("a.lora_A.weight", ones(4, 2)), new("a.lora_B.weight", ones(2, 4)), new("b.lora_A.weight", ones(40, 2))];
        using var flat = new FlatParameters(parameters);
        var guard = new ZeroGradients();
        GuardFinding? found = null;
        for (var step = 1; step <= 20; step++)
        {
            Assert.Null(found);
            // The last number of the first matrix only from the tenth step on, as behind a long warm-up.
            if (step >= 10) flat.GradientOf(0)[3, 1] = 0.5f;
            flat.GradientOf(1).fill_(0.1f);
            guard.SeeGradients(flat);
            found = guard.During(new StepCompleted { Step = step, Loss = 1, LearningRate = 1, GradientNorm = 1, Epoch = 0, Tokens = 1, SupervisedTokens = 1, TokensPerSecond = 1, ResidentBytes = 1, PeakBytes = 1 }, null!);
            flat.ZeroGradients();
        }
        Assert.StartsWith("1 of the trained parameters got no gradient in the first 20 steps: b.lora_A.weight.", found!.Message, StringComparison.Ordinal);
        foreach (var p in parameters) p.Dispose();
    }

    [Fact]
    public void Names_that_are_no_guards_are_refused_together()
    {
        Assert.Equal(["lr-unfit", "overfitting"], new GuardSettings { Silence = "lr-unfit, overfitting" }.Names());
        var error = Assert.Throws<SettingsException>(() => new GuardSettings { Silence = "lr-unfitt,loss-not-finite" }.Names());
        Assert.Equal(["--silence: there is no guard \"lr-unfitt\"; did you mean lr-unfit?", "--silence: loss-not-finite cannot be silenced: the run could not go on without it"], error.Problems);
    }

    [Fact]
    public async Task A_resumed_run_can_silence_more()
    {
        var settings = runs.Sound();
        settings = settings with { Adapter = settings.Adapter with { Alpha = 32 }, Optimization = settings.Optimization with { LearningRate = 1e-3 }, Output = settings.Output with { SaveEvery = 3 } };
        Assert.Equal([GuardIds.AlphaUnusual], await GuardedRuns.Run(settings));
        RunRecord.Load(settings.Output.Output).RequireSame([new SettingEntry("silence", "alpha-unusual", "--silence")]);
        using var run = TrainingRun.Resume(settings.Output.Output, silence: GuardIds.AlphaUnusual);
        await foreach (var e in run.TrainAsync(TestContext.Current.CancellationToken)) Assert.IsNotType<RunWarning>(e);
    }

    [Fact]
    public void Several_errors_are_told_together()
    {
        var error = new GuardException([("nothing-supervised", "No token."), ("base-trainable", "A tensor.")]);
        Assert.Equal("2 things are wrong with this run:\n  [nothing-supervised] No token.\n  [base-trainable] A tensor.", error.Message);
        Assert.Null(error.GuardId);
        Assert.Equal(["nothing-supervised", "base-trainable"], error.Ids);
    }

    [Fact]
    public void The_page_of_guards_tells_of_each()
    {
        Assert.SkipUnless(RepositoryRoot.Folder is not null, "not in the repository");
        var rows = File.ReadAllLines(Path.Combine(RepositoryRoot.Folder, "docs", "guards.md")).Where(l => l.StartsWith("| `", StringComparison.Ordinal)).Select(l => l.Split('`')[1]);
        Assert.Equal(GuardIds.All.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
        string[] elsewhere = [GuardIds.AllTruncated, GuardIds.LossNotFinite];
        Assert.Equal(GuardIds.All.Except(elsewhere).Order(StringComparer.Ordinal), RunGuards.Standard().Select(g => g.Id).Order(StringComparer.Ordinal));
    }
}
