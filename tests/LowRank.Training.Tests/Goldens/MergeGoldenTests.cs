using System.Text.Json;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Models.Merging;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>Adapters merged file to file: the tensors that PEFT's <c>merge_and_unload</c> gives, and a folder whose model gives the logits of base and adapter.</summary>
[Trait("Category", "Golden")]
public sealed class MergeGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("models/merge", "models/lora", "*/", name => LoraGoldenTests.Skip(name) ?? Unmergeable(name));

    // A bias of B on layers without a bias has nowhere to go; PEFT refuses it too.
    private static string? Unmergeable(string name)
    {
        using var config = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", "lora", name, "adapter_config.json")));
        return config.RootElement.GetProperty("lora_bias").GetBoolean() && !File.Exists(Golden.At("models", "lora", name, "merged.safetensors")) ? $"{name}: PEFT gives no merged tensors" : null;
    }

    [Theory, MemberData(nameof(Cases))]
    public unsafe void Equals_peft(string name)
    {
        var folder = Golden.At("models", "lora", name);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));
        var basis = Golden.At("models", json.RootElement.GetProperty("base").GetString()!);
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", "MANIFEST.json")));
        var tolerance = manifest.RootElement.GetProperty("adapters").EnumerateArray().Single(a => a.GetProperty("name").GetString() == name).GetProperty("tolerance");
        using var temporary = new TemporaryFolder();
        // Small files, so that there are several.
        var report = AdapterMerger.Merge(basis, folder, temporary.At("merged"), new MergeOptions { ShardBytes = 40_000 });
        Assert.Equal((MergeBase.Original, true), (report.Base, report.ChangedTensors > 0));
        using var merged = SafetensorsFolder.Open(temporary.At("merged"));
        Assert.True(Directory.GetFiles(temporary.At("merged"), "model-*.safetensors").Length > 1);

        if (File.Exists(Path.Combine(folder, "merged.safetensors")))
        {
            var want = new GoldenTensors(Path.Combine(folder, "merged.safetensors"));
            foreach (var tensor in want.Names)
            {
                Assert.True(merged.TryGet(tensor, out var info), tensor);
                var (expected, got) = (want.Floats(tensor), Floats(merged, info));
                // fp32 sums of an r-long product, a few ulp of weights near 1; in a bf16 checkpoint rounded to it once.
                for (var i = 0; i < expected.Length; i++)
                    Assert.True(Math.Abs(expected[i] - got[i]) <= 2e-6 + (info.Type == TensorType.BF16 ? Math.Abs(expected[i]) / 256 : 0), $"{tensor}: element {i} is {got[i]:g9}, want {expected[i]:g9}");
            }
        }
        // What the adapter does not change keeps its bytes.
        using var plain = SafetensorsFolder.Open(basis);
        Assert.Equal(plain.Tensors.Count + (report.IsHeadSeparate ? 1 : 0), merged.Tensors.Count);
        Assert.True(plain.Tensors.Count(t => merged.TryGet(t.Name, out var m) && m.Type == t.Type && plain.Bytes(t).SequenceEqual(merged.Bytes(m))) >= plain.Tensors.Count - report.ChangedTensors);
        if (plain.Tensors.Any(t => t.Type != TensorType.F32)) return;

        var reference = new GoldenTensors(Path.Combine(folder, "reference.safetensors"));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var config = ModelConfig.Load(Path.Combine(temporary.At("merged"), "config.json"));
        using var model = DecoderBuilder.Build(ModelFamilies.Of(config).Read(config), new WeightReader(merged, temporary.At("merged")), ScalarType.Float32);
        using var input = DecoderInput.Padded(reference.Longs("input_ids"), reference.Shape("input_ids")[0], model.Device);
        // The merged weights round once what the adapter adds in its own precision: as far apart as the reference's two ways (reference.json, merged), or rounding.
        var apart = json.RootElement.TryGetProperty("merged", out var told) && told.TryGetProperty("logits_vs_adapter", out var measured) ? measured.GetDouble() : 0;
        Near.All(reference.Floats("logits"), LoraGoldenTests.Floats(model.Logits(model.Hidden(input))), tolerance.GetProperty("logits").GetDouble() + 5 * apart, "logits of the merged model");
    }

    [Fact]
    public void A_folder_in_use_and_another_base_are_refused()
    {
        Assert.SkipUnless(Directory.Exists(Golden.At("models", "lora", "llama-qv-r8")), $"{Golden.Root} has no adapters");
        var (basis, adapter) = (Golden.At("models", "llama-gqa"), Golden.At("models", "lora", "llama-qv-r8"));
        Assert.Contains("is the base model itself", Assert.Throws<LowRankException>(() => AdapterMerger.Merge(basis, adapter, basis)).Message, StringComparison.Ordinal);
        using var temporary = new TemporaryFolder();
        Assert.Contains("does not fit the model", Assert.Throws<AdapterException>(() => AdapterMerger.Merge(Golden.At("models", "qwen3"), adapter, temporary.At("x"))).Message, StringComparison.Ordinal);
        Assert.Contains("does not tell that it was trained over 4 bits", Assert.Throws<LowRankException>(() => AdapterMerger.Merge(basis, adapter, temporary.At("x"), new MergeOptions { Base = MergeBase.Dequantized })).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(temporary.Path));
    }

    private static float[] Floats(SafetensorsFolder folder, TensorInfo info)
    {
        var values = new float[info.Elements];
        var bytes = folder.Bytes(info);
        if (info.Type == TensorType.F32) System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).CopyTo(values);
        else FloatConversion.BFloat16ToSingle(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ushort>(bytes), values);
        return values;
    }
}
