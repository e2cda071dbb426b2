using LowRank.Adapters;
using LowRank.Adapters.Initialization;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models;
using LowRank.Models.Decoder;
using LowRank.Testing;
using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Methods;
using LowRank.Training.Settings;
using LowRank.Training.Tests.Goldens;
using static TorchSharp.torch;

namespace LowRank.Training.Tests;

/// <summary>Whole runs whose LoRA starts from the weight: what is saved is a plain LoRA that gives the trained model, and a stopped run goes on exactly.</summary>
public sealed class InitializationRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private TrainSettings Settings(string output, string method, string init, double dropout = 0) => new()
    {
        Model = new ModelSettings { Model = TinyModel.Create(folder.At("model")), Threads = 1 },
        Adapter = new AdapterSettings { Method = method, Rank = 4, Init = init, Dropout = dropout },
        Data = new DataSettings { Data = TinyModel.CreateData(folder.At("data.jsonl")), Validation = "6" },
        Optimization = new OptimizationSettings { MaxSteps = 6, Batch = 4, LearningRate = 1e-3 },
        Output = new OutputSettings { Output = folder.At(output), SaveEvery = 2 },
    };

    private static async Task<List<TrainingEvent>> Train(TrainingRun run, int? stopAfter = null)
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

    private static float[] Logits(LanguageModel model)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var input = DecoderInput.Padded([.. Enumerable.Range(0, 24).Select(i => (long)(7 * i % 400))], 2, model.Decoder.Device);
        return LoraGoldenTests.Floats(model.Decoder.Logits(model.Decoder.Hidden(input)));
    }

    [Theory]
    [InlineData("lora", "pissa"), InlineData("lora", "pissa_niter_4"), InlineData("lora", "olora"), InlineData("qlora", "pissa"), InlineData("qlora", "olora")]
    public async Task What_a_run_saves_is_a_plain_LoRA_that_gives_the_trained_model(string method, string init)
    {
        var settings = Settings("out", method, init);
        float[] before, trained;
        using (var run = TrainingRun.Create(settings))
        {
            before = Logits(run.Model);
            var losses = (await Train(run)).OfType<StepCompleted>().Select(s => s.Loss).ToArray();
            Assert.True(losses[^1] < losses[0], $"losses {string.Join(' ', losses)}");
            trained = Logits(run.Model);
            using (run.Model.Adapter!.Disable()) Near.All(before, Logits(run.Model), 1e-4, "a new adapter changes nothing: two updates of unit size cancel, by 2⁻²² in each of 14 modules, and the logits are a few units");
        }
        Assert.Contains(before.Zip(trained), p => Math.Abs(p.First - p.Second) > 0.01);

        var config = LoraConfig.Load(folder.At("out"));
        Assert.Equal((8, 8.0, LoraInitialization.KaimingUniform), (config.Rank, config.Alpha, config.Initialization));
        using var model = TrainingRun.LoadModel(settings, null, null, null, TestContext.Current.CancellationToken);
        var warnings = new List<string>();
        model.LoadAdapter(folder.At("out"), warnings.Add);
        Assert.Empty(warnings);
        // The same matrices in the same products, which lie elsewhere in memory: sums of at most 64 terms may be taken in another order.
        Near.All(trained, Logits(model), 1e-5, "loaded");
    }

    [Theory]
    [InlineData("lora", "pissa"), InlineData("qlora", "olora")]
    public async Task A_stopped_and_resumed_run_equals_the_unbroken_one_byte_for_byte(string method, string init)
    {
        using (var run = TrainingRun.Create(Settings("whole", method, init, dropout: 0.1))) await Train(run);
        using (var run = TrainingRun.Create(Settings("broken", method, init, dropout: 0.1))) await Train(run, stopAfter: 3);
        using (var run = TrainingRun.Resume(folder.At("broken"))) await Train(run);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder.At("whole"), "adapter_model.safetensors")), File.ReadAllBytes(Path.Combine(folder.At("broken"), "adapter_model.safetensors")));
    }

    [Fact]
    public async Task A_checkpoint_keeps_what_the_adapter_started_from()
    {
        using (var run = TrainingRun.Create(Settings("out", "lora", "pissa"))) await Train(run, stopAfter: 3);
        // As if the decomposition had come out otherwise: the resumed run takes the checkpoint's, not the one that it computed.
        var checkpoint = TrainingCheckpoint.Newest(folder.At("out"))!;
        using var resumed = TrainingRun.Resume(folder.At("out"));
        var kept = ((LoraWeights)resumed.Weights).State;
        Assert.Equal(14, kept.Count);
        using var file = SafetensorsFile.Open(Path.Combine(checkpoint, "trainer.safetensors"));
        foreach (var (name, values) in kept)
        {
            Assert.True(file.TryGet(name, out var info), name);
            Assert.Equal(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(file.Bytes(info)).ToArray(), LoraGoldenTests.Floats(values));
            using (no_grad()) values.fill_(3);
        }
        foreach (var slot in resumed.Model.Decoder.Slots.OfType<LinearSlot>())
            if (slot.Module is AdaptedLinear { Adapter: ResidualLoraAdapter adapter }) Assert.All(LoraGoldenTests.Floats(adapter.Initial.A).Concat(LoraGoldenTests.Floats(adapter.Initial.NegatedB)), v => Assert.Equal(3, v));
    }

    [Fact]
    public void An_adapter_that_was_not_converted_is_loaded_with_a_warning_and_not_merged()
    {
        var settings = Settings("out", "lora", "pissa");
        using var model = TrainingRun.LoadModel(settings, null, null, null, TestContext.Current.CancellationToken);
        var path = folder.At("unconverted");
        var config = new LoraConfig { Rank = 2, Alpha = 2, TargetModules = ["q_proj"], Initialization = LoraInitialization.Pissa };
        var attached = model.Attach(config);
        using (var writer = AdapterFolder.Create(path, attached.Selection.Config, [.. attached.Parameters.Select(p => (p.Name, TensorType.F32, p.Shape))]))
        {
            foreach (var p in attached.Parameters) writer.Write(p.Name, LoraGoldenTests.Floats(p.Value));
            writer.Commit();
        }
        model.Detach();
        var plain = Logits(model);
        var warnings = new List<string>();
        model.LoadAdapter(path, warnings.Add);
        Assert.Contains("says init_lora_weights \"pissa\": it was saved without its conversion", Assert.Single(warnings), StringComparison.Ordinal);
        // It was written before any step, so that it changes nothing but by rounding.
        Near.All(plain, Logits(model), 1e-5, "loaded alone");
        model.Detach();
        using (var many = model.HoldAdapters())
        {
            many.Add("one", path);
            many.Use("one");
            Near.All(plain, Logits(model), 1e-5, "loaded beside others");
        }
        using var opened = AdapterFolder.Open(path);
        var error = Assert.Throws<AdapterException>(() => new Models.Merging.MergePlan(opened, model.Decoder.Spec));
        Assert.Contains("Convert it to a plain LoRA first", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pizza", "--init: \"pizza\" is no start of LoRA; there are default, gaussian, orthogonal, pissa, pissa_niter_N (such as pissa_niter_16) and olora.")]
    [InlineData("loftq", "--init: \"loftq\" is not supported yet: it quantizes the weights anew")]
    public void A_start_that_is_not_built_is_told(string init, string message) =>
        Assert.StartsWith(message, Assert.Throws<LowRankException>(() => new AdapterSettings { Init = init }.ToConfig()).Message, StringComparison.Ordinal);

    [Fact]
    public void A_start_belongs_to_LoRA() =>
        Assert.Contains("--init is not a setting of --variant miss", Assert.Throws<LowRankException>(() => new AdapterSettings { Variant = "miss", Init = "pissa" }.ToConfig()).Message, StringComparison.Ordinal);

    public void Dispose() => folder.Dispose();
}
