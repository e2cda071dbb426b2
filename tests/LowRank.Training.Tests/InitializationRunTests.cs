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
using LowRank.Training.Starts;
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
        using var model = RunModel.Load(settings, null, null, null, TestContext.Current.CancellationToken);
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
        using var model = RunModel.Load(settings, null, null, null, TestContext.Current.CancellationToken);
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
    [InlineData("pizza", "--init: \"pizza\" is no start of LoRA; there are default, gaussian, orthogonal, pissa, pissa_niter_N (such as pissa_niter_16), olora, eva and loftq (over 4 bits).")]
    [InlineData("loftq", "--init: \"loftq\" makes up for what quantizing took from the weights, and with --method lora nothing is quantized")]
    public void A_start_that_is_not_built_is_told(string init, string message) =>
        Assert.StartsWith(message, Assert.Throws<LowRankException>(() => new AdapterSettings { Init = init }.ToConfig()).Message, StringComparison.Ordinal);

    [Fact]
    public void A_start_belongs_to_LoRA() =>
        Assert.Contains("\"pissa\" is no start of MiSS; there are default and bat", Assert.Throws<LowRankException>(() => new AdapterSettings { Variant = "miss", Init = "pissa" }.ToConfig()).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("lora", 2.0), InlineData("qlora", 1.0)]
    public async Task Eva_starts_from_the_data_is_saved_as_PEFT_does_and_resumes_byte_for_byte(string method, double rho)
    {
        TrainSettings Eva(string output) => Settings(output, method, "eva") with { Adapter = new AdapterSettings { Method = method, Rank = 4, Init = "eva", EvaRho = rho } };
        float[] before, trained;
        using (var run = TrainingRun.Create(Eva("whole")))
        {
            // Orthonormal rows of A, and B zero: nothing changes yet.
            var adapter = run.Model.Adapter!;
            using (adapter.Disable()) before = Logits(run.Model);
            Assert.Equal(before, Logits(run.Model));
            using (var scope = NewDisposeScope())
                foreach (var p in adapter.Parameters.Where(p => p.Name.Contains(".lora_A.", StringComparison.Ordinal)))
                    Near.All(LoraGoldenTests.Floats(eye(p.Shape[0])), LoraGoldenTests.Floats(p.Value.detach().mm(p.Value.detach().t())), 1e-5, $"rows of {p.Name} are orthonormal, to a few roundings of 64 terms");
            // The budget is kept, whoever has the ranks.
            Assert.Equal(14 * 4, adapter.Selection.Targets.Sum(t => t.Rank));
            Assert.Equal(rho > 1, adapter.Selection.Targets.Select(t => t.Rank).Distinct().Count() > 1);
            Assert.All(adapter.Selection.Targets, t => Assert.InRange(t.Rank, 1, (int)(4 * rho)));
            // alpha follows the rank, so that every module has the scaling 1.
            Assert.All(adapter.Selection.Targets, t => Assert.Equal(1, t.Scaling, 1e-12));
            var events = await Train(run);
            Assert.Contains(events.OfType<RunStarted>().Single().Choices, c => c.StartsWith("init eva: ", StringComparison.Ordinal));
            var losses = events.OfType<StepCompleted>().Select(s => s.Loss).ToArray();
            Assert.True(losses[^1] < losses[0], $"losses {string.Join(' ', losses)}");
            trained = Logits(run.Model);
        }

        var config = LoraConfig.Load(folder.At("whole"));
        Assert.Equal((LoraInitialization.Eva, rho), (config.Initialization, config.Eva!.Rho));
        Assert.Equal(rho > 1, config.RankPattern.Count > 0);
        using (var model = RunModel.Load(Eva("whole"), null, null, null, TestContext.Current.CancellationToken))
        {
            model.LoadAdapter(folder.At("whole"));
            // The same matrices in the same products, which lie elsewhere in memory: sums of at most 64 terms may be taken in another order.
            Near.All(trained, Logits(model), 1e-5, "loaded");
        }

        using (var run = TrainingRun.Create(Eva("broken"))) await Train(run, stopAfter: 3);
        using (var run = TrainingRun.Resume(folder.At("broken"))) await Train(run);
        foreach (var file in new[] { "adapter_model.safetensors", "adapter_config.json" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(folder.At("whole"), file)), File.ReadAllBytes(Path.Combine(folder.At("broken"), file)));
    }

    [Fact]
    public void Eva_needs_as_many_tokens_as_directions_and_says_so()
    {
        var settings = Settings("out", "lora", "eva");
        var error = Assert.Throws<LowRankException>(() => TrainingRun.Create(settings with { Optimization = settings.Optimization with { Batch = 1 }, Adapter = settings.Adapter with { Rank = 32 } }));
        Assert.Contains("EVA met no batch with 64 tokens to look at", error.Message, StringComparison.Ordinal);
        Assert.Contains("--eva-rho belongs to --init eva", Assert.Throws<LowRankException>(() => new AdapterSettings { EvaRho = 2 }.ToConfig()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lora"), InlineData("dora")]
    public async Task Loftq_starts_nearer_to_the_weights_that_were_quantized_is_saved_as_a_plain_LoRA_and_resumes_byte_for_byte(string variant)
    {
        TrainSettings LoftQ(string output) => Settings(output, "qlora", "loftq") with { Adapter = new AdapterSettings { Method = "qlora", Rank = 4, Alpha = 8, Init = "loftq", Variant = variant } };
        float[] trained;
        using (var plain = RunModel.Load(Settings("plain", "lora", "default"), null, null, null, TestContext.Current.CancellationToken))
        using (var run = TrainingRun.Create(LoftQ("whole")))
        {
            using (var scope = NewDisposeScope())
            {
                var weights = plain.Decoder.Slots.OfType<LinearSlot>().ToDictionary(s => s.Name, s => s.FrozenBase().Weight);
                var compared = 0;
                foreach (var slot in run.Model.Decoder.Slots.OfType<LinearSlot>().Where(s => s.Module is AdaptedLinear))
                {
                    var adapted = (AdaptedLinear)slot.Module;
                    var original = weights[slot.Name].Dequantize(0, adapted.OutFeatures);
                    double Error(Tensor matrix) => (original - matrix).norm().item<float>();
                    var quantized = adapted.Frozen.Weight.Dequantize(0, adapted.OutFeatures);
                    var (alone, merged) = (Error(quantized), quantized.clone());
                    merged.addmm_(adapted.Adapter.Parameters[1].Value.detach(), adapted.Adapter.Parameters[0].Value.detach(), 1, 2);
                    // 4 of 32 directions at most: a small part of an error that is near noise, but a part of every module's.
                    Assert.True(Error(merged) < 0.95 * alone, $"{slot.Name}: {Error(merged)} of {alone}");
                    // No pair of rank 4 comes nearer (Eckart and Young).
                    var (_, s, _) = linalg.svd((original - quantized).to(ScalarType.Float64), fullMatrices: false);
                    Assert.Equal(Math.Sqrt(s.narrow(0, 4, s.shape[0] - 4).square().sum().item<double>()), Error(merged), 1e-5);
                    compared++;
                }
                Assert.Equal(14, compared);
            }
            // The whole model is nearer to the one that was quantized, too.
            var (want, start) = (Logits(plain), Logits(run.Model));
            using (run.Model.Adapter!.Disable()) Assert.True(Distance(want, start) < Distance(want, Logits(run.Model)), "the start is no nearer to the 16-bit model");
            await Train(run);
            trained = Logits(run.Model);
        }

        var config = LoraConfig.Load(folder.At("whole"));
        Assert.Equal((4, 8.0, LoraInitialization.KaimingUniform), (config.Rank, config.Alpha, config.Initialization));
        Assert.NotNull(AdapterRecord.Load(folder.At("whole"))!.Quantization);
        using (var model = RunModel.Load(LoftQ("whole"), null, null, null, TestContext.Current.CancellationToken))
        {
            model.LoadAdapter(folder.At("whole"));
            // The same matrices in the same products, which lie elsewhere in memory: sums of at most 64 terms may be taken in another order.
            Near.All(trained, Logits(model), 1e-5, "loaded");
        }

        using (var run = TrainingRun.Create(LoftQ("broken"))) await Train(run, stopAfter: 3);
        using (var run = TrainingRun.Resume(folder.At("broken"))) await Train(run);
        foreach (var file in new[] { "adapter_model.safetensors", "adapter_config.json" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(folder.At("whole"), file)), File.ReadAllBytes(Path.Combine(folder.At("broken"), file)));
    }

    private static double Distance(float[] a, float[] b) => Math.Sqrt(a.Zip(b, (x, y) => (double)(x - y) * (x - y)).Sum());

    [Fact]
    public void Loftq_over_a_base_that_is_not_in_4_bits_or_has_been_so_before_is_refused()
    {
        var config = new LoraConfig { Rank = 2, TargetModules = ["q_proj"], Initialization = LoraInitialization.LoftQ };
        using (var plain = RunModel.Load(Settings("out", "lora", "default"), null, null, null, TestContext.Current.CancellationToken))
            Assert.Contains("the base is not in 4 bits", Assert.Throws<LoraConfigException>(() => plain.Attach(config)).Message, StringComparison.Ordinal);
        Models.Checkpoints.FourBitConverter.Quantize(folder.At("model"), folder.At("nf4"), new Quantization.FourBitOptions(), cancellation: TestContext.Current.CancellationToken);
        var settings = Settings("out", "qlora", "loftq") with { Model = new ModelSettings { Model = folder.At("nf4"), Threads = 1 } };
        var error = Assert.Throws<LowRankException>(() => TrainingRun.Create(settings));
        Assert.Contains("is in 4 bits itself, so that nobody knows what quantizing took", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public void Starts_that_need_data_or_the_original_weights_are_not_for_adapters_beside_others()
    {
        var settings = Settings("out", "qlora", "loftq");
        using var model = RunModel.Load(settings, null, null, null, TestContext.Current.CancellationToken);
        using var many = model.HoldAdapters();
        var error = Assert.Throws<LoraConfigException>(() => many.Add("one", settings.Adapter.ToConfig()));
        Assert.Contains("needs the weights as they were before they were quantized", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();
}
