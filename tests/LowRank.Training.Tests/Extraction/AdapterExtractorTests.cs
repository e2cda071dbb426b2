using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Extraction;
using LowRank.Models.Merging;
using LowRank.Quantization;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Extraction;

/// <summary>Adapters from the difference of two checkpoints: a known one comes back, a lower rank misses the singular values that it leaves out, and what no adapter holds is named.</summary>
public sealed class AdapterExtractorTests : IDisposable
{
    private const int Rank = 4;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // gpt2 stores its weights the other way round.
    [Theory, InlineData("llama"), InlineData("gpt2")]
    public void A_merged_adapter_comes_back(string family)
    {
        var (basis, tuned) = Merged(family);
        var report = AdapterExtractor.Extract(basis, tuned, folder.At("extracted"), new ExtractOptions { Rank = Rank });
        Assert.Empty(report.Unheld);
        Assert.Equal(0, report.Unchanged);
        var config = LoraConfig.Load(folder.At("extracted"));
        Assert.Equal((Rank, (double)Rank, basis), (config.Rank, config.Alpha, config.BaseModel));
        using var known = AdapterFolder.Open(folder.At("known"));
        using var got = AdapterFolder.Open(folder.At("extracted"));
        Assert.Equal(known.Weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), got.Weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        using var scope = NewDisposeScope();
        foreach (var module in report.Modules)
        {
            var want = Update(known, module.Name, 2);
            var worst = (want - Update(got, module.Name, 1)).abs().max().item<float>();
            // The tuned weights, of size 1, were rounded to fp32 (6e-8), and so were A and B, whose products are sums of four.
            Assert.True(worst <= 1e-6, $"{module.Name} differs by {worst:g4}");
            Assert.Equal(want.square().sum().sqrt().item<float>(), module.Norm, 1e-4);
            Assert.True(module.RelativeError < 1e-5, $"{module.Name}: {module.RelativeError:g4}");
        }
        Assert.True(report.RelativeError < 1e-5);
        // Merged again, it gives the tuned checkpoint.
        AdapterMerger.Merge(basis, folder.At("extracted"), folder.At("again"));
        Assert.True(Largest(tuned, folder.At("again")) <= 1e-6);
        // It knows its base.
        using var model = ModelLoader.Load(basis, new ModelLoadOptions { Device = CPU });
        var warnings = new List<string>();
        model.LoadAdapter(folder.At("extracted"), warnings.Add);
        Assert.Empty(warnings);
    }

    [Fact]
    public void A_lower_rank_misses_just_the_singular_values_that_are_left_out()
    {
        var (basis, tuned) = Merged("llama");
        var report = AdapterExtractor.Extract(basis, tuned, folder.At("extracted"), new ExtractOptions { Rank = 2 });
        using var scope = NewDisposeScope();
        var (missed, all) = (0.0, 0.0);
        using var known = AdapterFolder.Open(folder.At("known"));
        foreach (var module in report.Modules)
        {
            var values = linalg.svdvals(Update(known, module.Name, 2).to(ScalarType.Float64)).data<double>().ToArray();
            var (tail, whole) = (values[2..].Sum(v => v * v), values.Sum(v => v * v));
            Assert.Equal(2, module.Rank);
            // The differences are off by the rounding of the tuned weights, 1e-6 of their size.
            Assert.Equal(Math.Sqrt(tail / whole), module.RelativeError, 1e-5);
            Assert.True(module.RelativeError > 0.05);
            (missed, all) = (missed + tail, all + whole);
        }
        Assert.Equal(Math.Sqrt(missed / all), report.RelativeError, 1e-5);
    }

    [Fact]
    public void What_does_not_differ_is_left_out_and_what_no_adapter_holds_is_named()
    {
        var basis = TinyModel.Create(folder.At("base"));
        Change(basis, folder.At("tuned"), (name, values) =>
        {
            if (name.EndsWith("layers.1.mlp.up_proj.weight", StringComparison.Ordinal) || name == "model.norm.weight" || name.EndsWith("layers.0.self_attn.v_proj.weight", StringComparison.Ordinal)) values[3] += 0.5f;
        });
        var report = AdapterExtractor.Extract(basis, folder.At("tuned"), folder.At("out"), new ExtractOptions { Rank = 100, Target = ModulePattern.Parse("mlp") });
        var module = Assert.Single(report.Modules);
        // A matrix of 64 × 32 has no more than 32 directions.
        Assert.Equal(("model.layers.1.mlp.up_proj", 32, 5), (module.Name, module.Rank, report.Unchanged));
        Assert.Equal(0.5, module.Norm, 1e-6);
        Assert.Equal([("model.layers.0.self_attn.v_proj.weight", "16,32"), ("model.norm.weight", "32")], report.Unheld.Select(t => (t.Tensor, string.Join(',', t.Shape))));
        Assert.All(report.Unheld, t => Assert.Equal(0.5, t.Norm, 1e-6));
        Assert.All(report.Unheld, t => Assert.True(t.BaseNorm > 1));
        using var adapter = AdapterFolder.Open(folder.At("out"));
        Assert.Equal(["base_model.model.model.layers.1.mlp.up_proj.lora_A.weight", "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight"], adapter.Weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        using var model = ModelLoader.Load(basis, new ModelLoadOptions { Device = CPU });
        model.LoadAdapter(folder.At("out"));
    }

    [Fact]
    public void Weights_of_16_bits_and_modules_of_a_lower_rank_are_taken_too()
    {
        var (basis, tuned) = Merged("llama");
        TinyModel.Narrow(tuned);
        var report = AdapterExtractor.Extract(basis, tuned, folder.At("out"), new ExtractOptions { Rank = 20, Portable = true, Exact = true });
        var config = LoraConfig.Load(folder.At("out"));
        Assert.Equal((20, 20.0, 0, 0), (config.Rank, config.Alpha, config.RankPattern.Count, config.AlphaPattern.Count));
        // k and v have 16 rows.
        Assert.Equal([16, 20], report.Modules.Select(m => m.Rank).Distinct().Order());
        // bf16 rounds weights of size 0.2 by 2^-9 of it; the embedding and norms are rounded too.
        Assert.NotEmpty(report.Unheld);
        Assert.InRange(report.RelativeError, 1e-5, 0.1);
    }

    [Fact]
    public void What_does_not_fit_is_told_and_leaves_nothing()
    {
        var basis = TinyModel.Create(folder.At("base"));
        void Fails(string tuned, string message, ExtractOptions? options = null)
        {
            var error = Assert.ThrowsAny<LowRankException>(() => AdapterExtractor.Extract(basis, tuned, folder.At("out"), options ?? new ExtractOptions { Rank = 2 }));
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
        }

        Fails(basis, "have the same weights in all of the 14 modules");
        Fails(TinyFamily.Create("qwen2", folder.At("qwen2")), "is a llama,");
        Fails(TinyModel.Create(folder.At("wide"), hidden: 64), "model.layers.0.self_attn.q_proj: 32 × 32 in the base, 64 × 64 in the tuned model");
        Fails(TinyModel.Create(folder.At("deep"), layers: 3), "model.layers.2.self_attn.q_proj: absent in the base");
        Fails(folder.At("nowhere"), "nowhere");
        var tuned = Change(basis, folder.At("tuned"), (_, values) => values[0] += 1);
        Fails(tuned, "\"up_prj\" matches no module (did you mean up_proj", new ExtractOptions { Rank = 2, Target = ModulePattern.Parse("up_prj") });
        Fails(tuned, "model.embed_tokens is an embedding", new ExtractOptions { Rank = 2, Target = ModulePattern.Parse("embed_tokens") });
        Fails(tuned, "lm_head shares the weight of model.embed_tokens", new ExtractOptions { Rank = 2, Target = ModulePattern.Parse("lm_head") });
        Fails(Change(basis, folder.At("nan"), (name, values) => values[5] = name.Contains("up_proj", StringComparison.Ordinal) ? float.NaN : values[5]), "model.layers.0.mlp.up_proj.weight of");
        Fails(Change(basis, folder.At("less"), (_, _) => { }, without: "model.norm.weight"), "model.norm.weight is missing");
        FourBitConverter.Quantize(tuned, folder.At("4bit"), new FourBitOptions());
        Fails(folder.At("4bit"), "is in 4 bits");
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path, "*out*"));
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(folder.At("out")).FullName, "mine"), "");
        Fails(tuned, "exists and is not empty");
        Assert.Equal(["mine"], Directory.GetFileSystemEntries(folder.At("out")).Select(Path.GetFileName));
    }

    // A base, and the same with a known adapter of rank 4 and scaling 2 in all of its linear layers.
    private (string Base, string Tuned) Merged(string family)
    {
        var basis = family == "llama" ? TinyModel.Create(folder.At("base")) : TinyFamily.Create(family, folder.At("base"));
        KnownAdapter.Write(basis, folder.At("known"), new LoraConfig { Rank = Rank, Alpha = 2 * Rank, TargetModules = ModulePattern.AllLinear });
        AdapterMerger.Merge(basis, folder.At("known"), folder.At("tuned"));
        return (basis, folder.At("tuned"));
    }

    private static Tensor Update(AdapterFolder adapter, string module, double scaling)
    {
        Tensor Read(AdapterTensorKind kind)
        {
            var key = AdapterKeys.ToKey(AdapterKeys.NameOf(module, kind));
            Assert.True(adapter.Weights.TryGet(key, out var info), key);
            var values = new float[info.Elements];
            adapter.TryRead(key, values);
            return tensor(values).reshape(info.Shape);
        }

        return Read(AdapterTensorKind.LoraB).mm(Read(AdapterTensorKind.LoraA)) * scaling;
    }

    private static float Largest(string first, string second)
    {
        var (a, b) = (new GoldenTensors(Path.Combine(first, "model.safetensors")), new GoldenTensors(Path.Combine(second, "model.safetensors")));
        Assert.Equal(a.Names.Order(StringComparer.Ordinal), b.Names.Order(StringComparer.Ordinal));
        return a.Names.Max(n => a.Floats(n).Zip(b.Floats(n), (x, y) => Math.Abs(x - y)).Max());
    }

    // A checkpoint whose values are changed.
    private static string Change(string source, string target, Action<string, float[]> change, string? without = null)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.GetFiles(source)) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        var tensors = new GoldenTensors(Path.Combine(source, "model.safetensors"));
        using var writer = SafetensorsWriter.Create(Path.Combine(target, "model.safetensors"), tensors.Names.Where(n => n != without).Select(n => (n, TensorType.F32, tensors.Shape(n))));
        foreach (var t in writer.Tensors)
        {
            var values = tensors.Floats(t.Name);
            change(t.Name, values);
            writer.Write(t.Name, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
        }
        writer.Commit();
        return target;
    }
}
