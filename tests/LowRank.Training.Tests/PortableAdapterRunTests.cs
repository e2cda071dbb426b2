using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Testing;
using LowRank.Training.Settings;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests;

/// <summary>A model with an adapter in its portable form has the logits that it has with the adapter itself; a run writes that form of what it trained.</summary>
public sealed class PortableAdapterRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string> Kinds => ["rslora with patterns", "dora", "embedding and head", "bias of B"];

    [Theory, MemberData(nameof(Kinds))]
    public void The_logits_are_equal(string kind)
    {
        var tied = TinyModel.Create(folder.At("model"));
        var (model, config) = kind switch
        {
            "rslora with patterns" => (tied, new LoraConfig
            {
                Rank = 4, Alpha = 9, UseRslora = true, TargetModules = ModulePattern.AllLinear,
                RankPattern = new(StringComparer.Ordinal) { ["layers.0.mlp.up_proj"] = 2, ["v_proj"] = 7 }, AlphaPattern = new(StringComparer.Ordinal) { ["down_proj"] = 3 },
            }),
            "dora" => (tied, new LoraConfig { Rank = 4, Alpha = 6, UseDora = true, TargetModules = ["q_proj", "down_proj"], RankPattern = new(StringComparer.Ordinal) { ["q_proj"] = 3 } }),
            "embedding and head" => (TinyFamily.Create("mistral", folder.At("mistral")), new LoraConfig { Rank = 3, Alpha = 7, TargetModules = ["embed_tokens", "lm_head", "o_proj"], RankPattern = new(StringComparer.Ordinal) { ["embed_tokens"] = 5 } }),
            _ => (tied, new LoraConfig { Rank = 4, Alpha = 6, LoraBias = true, TargetModules = ["k_proj", "up_proj"] }),
        };
        KnownAdapter.Write(model, folder.At("adapter"), config);
        PortableAdapter.Write(folder.At("adapter"), folder.At("portable"));
        var written = LoraConfig.Load(folder.At("portable"));
        Assert.Equal(((double)written.Rank, false, 0, 0), (written.Alpha, written.UseRslora, written.RankPattern.Count, written.AlphaPattern.Count));
        float[] plain = Logits(model, null), want = Logits(model, folder.At("adapter")), got = Logits(model, folder.At("portable"));
        Assert.True(Near.Largest(plain, want).Difference > 0.1);
        // B was rounded once more, 6e-8 of it, and the sums over it come in another order: a few units in the last place of logits of some tens.
        Near.All(want, got, 2e-4, kind);
    }

    [Fact]
    public void A_run_writes_what_it_trained_in_that_form()
    {
        TinyModel.Create(folder.At("model"));
        TinyModel.CreateData(folder.At("rows.jsonl"));
        Train("plain", portable: false);
        Train("portable", portable: true);
        var (plain, portable) = (LoraConfig.Load(folder.At("plain")), LoraConfig.Load(folder.At("portable")));
        Assert.Equal((4, 10.0, true), (plain.Rank, plain.Alpha, plain.UseRslora));
        Assert.Equal((4, 4.0, false), (portable.Rank, portable.Alpha, portable.UseRslora));
        Assert.Equal(Directory.GetFileSystemEntries(folder.At("plain")).Select(Path.GetFileName).Order(StringComparer.Ordinal), Directory.GetFileSystemEntries(folder.At("portable")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Near.All(Logits(folder.At("model"), folder.At("plain")), Logits(folder.At("model"), folder.At("portable")), 2e-4, "logits");
        // What the run is resumed from stays as it is trained.
        var checkpoint = Directory.GetDirectories(folder.At("portable"), "*checkpoint*", SearchOption.AllDirectories).First(d => File.Exists(Path.Combine(d, AdapterConfig.FileName)));
        Assert.True(LoraConfig.Load(checkpoint).UseRslora);
    }

    [Fact]
    public void A_run_whose_result_has_no_such_form_does_not_begin()
    {
        TinyModel.Create(folder.At("model"));
        TinyModel.CreateData(folder.At("rows.jsonl"));
        var settings = Settings("out", portable: true);
        void Fails(AdapterSettings adapter, string message) =>
            Assert.Contains(message, Assert.Throws<LowRankException>(() => TrainingRun.Create(settings with { Adapter = adapter })).Message, StringComparison.Ordinal);
        Fails(new AdapterSettings { Variant = "ia3", Portable = true }, "--portable is not a setting of --variant ia3, but of lora, dora");
        Fails(new AdapterSettings { Method = "full", Portable = true }, "--portable is for adapters");
        KnownAdapter.Write(folder.At("model"), folder.At("tied"), new LoraConfig { Rank = 2, TargetModules = ["embed_tokens"], EnsureWeightTying = true, AlphaPattern = new(StringComparer.Ordinal) { ["embed_tokens"] = 3 } });
        Fails(new AdapterSettings { Adapter = folder.At("tied"), Portable = true }, "has no such form: ensure_weight_tying together");
    }

    private void Train(string output, bool portable)
    {
        using var run = TrainingRun.Create(Settings(output, portable));
        foreach (var _ in run.TrainAsync().ToBlockingEnumerable())
        {
        }
    }

    private TrainSettings Settings(string output, bool portable) => new()
    {
        Model = new ModelSettings { Model = folder.At("model"), Dtype = "fp32", Threads = 1 },
        Adapter = new AdapterSettings { Rank = 4, Alpha = 10, Rslora = true, Portable = portable, Target = "qv" },
        Data = new DataSettings { Data = folder.At("rows.jsonl"), MaxLength = 64 },
        Optimization = new OptimizationSettings { MaxSteps = 3, Batch = 4, LearningRate = 1e-2 },
        Output = new OutputSettings { Output = folder.At(output), SaveEvery = 2 },
    };

    private static float[] Logits(string path, string? adapter)
    {
        using LanguageModel model = ModelLoader.Load(path, new ModelLoadOptions { Device = CPU });
        if (adapter is not null) model.LoadAdapter(adapter);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var input = DecoderInput.Padded([.. Enumerable.Range(5, 24).Select(i => (long)i)], 2, model.Decoder.Device);
        return model.Decoder.Logits(model.Decoder.Hidden(input)).data<float>().ToArray();
    }
}
