using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Export;
using LowRank.Models.Families;
using LowRank.Testing;

namespace LowRank.Models.Tests.Export;

/// <summary>Adapters as GGUF: the bytes of llama.cpp's converter, scalings of every kind, and refusals of what the format cannot hold.</summary>
[Trait("Category", "Golden")]
public sealed class GgufAdapterExporterTests : IDisposable
{
    // The configuration of SmolLM2-135M, as far as an adapter needs it.
    private const string SmolLM2 = """{"model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64, "vocab_size": 49152, "tie_word_embeddings": true}""";

    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static IEnumerable<TheoryDataRow<string>> LlamaCpp => Golden.Cases("gguf/adapter", "gguf", "lora/");

    public static IEnumerable<TheoryDataRow<string>> Adapters => Golden.Cases("gguf/adapters", !Directory.Exists(Golden.At("models", "lora")) ? []
        : Directory.GetDirectories(Golden.At("models", "lora")).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal));

    // The hash is that of adapter.gguf of the reference data (llama.cpp's convert_lora_to_gguf.py), which is compared as well where it is there.
    [Theory, MemberData(nameof(LlamaCpp))]
    public void Equals_what_llama_cpp_writes(string name)
    {
        var (source, path) = (Golden.At("gguf", name), Path.Combine(folder, "adapter.gguf"));
        File.WriteAllText(Path.Combine(folder, "config.json"), SmolLM2);
        GgufAdapterExporter.Export(source, folder, path);
        if (File.Exists(Path.Combine(source, "adapter.gguf"))) Assert.Equal(File.ReadAllBytes(Path.Combine(source, "adapter.gguf")), File.ReadAllBytes(path));
        Assert.Equal("8524dbde96e715afc7e46eed4f870918ee3430e44d167b1cf52eee97704931b4", Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));
    }

    // Every adapter of the reference data is either written so that alpha / rank * B A is PEFT's update, or refused by the field that the format has no place for.
    [Theory, MemberData(nameof(Adapters))]
    public void Is_written_with_its_own_scaling_or_refused(string name)
    {
        var source = Golden.At("models", "lora", name);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(source, LoraConfig.FileName)));
        var root = json.RootElement;
        var model = Golden.At("models", root.GetProperty("base_model_name_or_path").GetString()!);
        var path = Path.Combine(folder, "adapter.gguf");
        if (WhyNot(root, ModelConfig.Load(Path.Combine(model, "config.json"))) is { } reason)
        {
            var error = Assert.ThrowsAny<LowRankException>(() => GgufAdapterExporter.Export(source, model, path));
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(path));
            return;
        }
        GgufAdapterExporter.Export(source, model, path);
        AssertUpdates(source, model, path);
    }

    [Fact]
    public void A_pattern_and_rank_stabilization_are_folded_into_B()
    {
        var source = Path.Combine(folder, "adapter");
        Directory.CreateDirectory(source);
        var tensors = new (string Name, long[] Shape)[] { ("q_proj", [4, 64]), ("v_proj", [2, 64]) };
        using (var writer = SafetensorsWriter.Create(Path.Combine(source, "adapter_model.safetensors"), tensors.SelectMany(t => new[]
               {
                   (Key(t.Name, "A"), TensorType.F32, t.Shape), (Key(t.Name, "B"), TensorType.F32, new long[] { t.Name == "q_proj" ? 64 : 16, t.Shape[0] }),
               })))
        {
            foreach (var t in writer.Tensors) writer.Write(t.Name, MemoryMarshal.AsBytes<float>(Enumerable.Range(1, (int)t.Elements).Select(i => i / 8f).ToArray()));
            writer.Commit();
        }
        File.WriteAllText(Path.Combine(source, LoraConfig.FileName), """{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "use_rslora": true, "target_modules": ["q_proj", "v_proj"], "rank_pattern": {"v_proj": 2}, "alpha_pattern": {"v_proj": 6}, "task_type": "CAUSAL_LM"}""");
        var model = Path.Combine(folder, "model");
        Directory.CreateDirectory(model);
        File.WriteAllText(Path.Combine(model, "config.json"), """{"model_type": "llama", "hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 1, "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 160}""");
        GgufAdapterExporter.Export(source, model, Path.Combine(folder, "x.gguf"));
        using var file = GgufFile.Open(Path.Combine(folder, "x.gguf"));
        Assert.Equal((8f, "llama", "adapter", "lora"), (file.Metadata["adapter.lora.alpha"], file.Metadata["general.architecture"], file.Metadata["general.type"], file.Metadata["adapter.type"]));
        // q: 8 / sqrt(4) against 8 / 4; v: 6 / sqrt(2) against 8 / 2.
        Assert.Equal(2, B("q", 64, 4)[0] / (1 / 8f), 6);
        Assert.Equal(6 / Math.Sqrt(2) / 4, B("v", 16, 2)[0] / (1 / 8f), 6);
        // A head of q has 8 rows, its second row in GGUF is the fifth.
        Assert.Equal(2 * (4 * 4 + 1) / 8f, B("q", 64, 4)[4], 6);

        float[] B(string module, long rows, long rank)
        {
            Assert.True(file.TryGet($"blk.0.attn_{module}.weight.lora_b", out var info));
            Assert.Equal([rows, rank], info.Shape);
            return MemoryMarshal.Cast<byte, float>(file.Bytes(info)).ToArray();
        }

        static string Key(string module, string matrix) => $"base_model.model.model.layers.0.self_attn.{module}.lora_{matrix}.weight";
    }

    [Fact]
    public void All_reasons_are_told_together()
    {
        var source = Path.Combine(folder, "adapter");
        Directory.CreateDirectory(source);
        File.WriteAllText(Path.Combine(source, LoraConfig.FileName), """{"peft_type": "LORA", "use_dora": true, "bias": "all", "modules_to_save": ["lm_head"]}""");
        var error = Assert.Throws<AdapterException>(() => GgufAdapterExporter.Export(source, folder, Path.Combine(folder, "x.gguf")));
        Assert.Equal(3, error.Problems.Count);
        Assert.Contains("Merge it into the model and export that instead", error.Message, StringComparison.Ordinal);
        Assert.Contains("use_dora is true: DoRA's magnitudes rescale the sum of base and update, and the format has an update alone", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_of_another_model_is_refused()
    {
        var source = Golden.At("gguf", "lora");
        Assert.SkipUnless(Directory.Exists(source), "absent: gguf/lora");
        File.WriteAllText(Path.Combine(folder, "config.json"), SmolLM2.Replace("1536", "2048", StringComparison.Ordinal));
        var error = Assert.Throws<AdapterException>(() => GgufAdapterExporter.Export(source, folder, Path.Combine(folder, "x.gguf")));
        Assert.Contains("the update is [576, 1536], but the matrix of", error.Message, StringComparison.Ordinal);
        Assert.Contains("is [576, 2048]: the adapter is one of another model", error.Message, StringComparison.Ordinal);
    }

    private static string? WhyNot(JsonElement config, ModelConfig model)
    {
        foreach (var (field, without) in new[] { ("use_dora", "false"), ("bias", "none"), ("lora_bias", "false"), ("modules_to_save", ""), ("trainable_token_indices", ""), ("target_parameters", ""), ("fan_in_fan_out", "false"), ("ensure_weight_tying", "false") })
            if (config.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null && !value.ToString().Equals(without, StringComparison.OrdinalIgnoreCase)) return $"{field} is ";
        if (GgufArchitecture.For(model.ModelType) is null) return $"an adapter of a model of the type \"{model.ModelType}\" cannot be written as GGUF here";
        var targets = config.GetProperty("target_modules").ToString();
        return model.Flag("tie_word_embeddings") != false && (targets.Contains("embed_tokens", StringComparison.Ordinal) || targets.Contains("lm_head", StringComparison.Ordinal)) ? "embedding and head of the base are one matrix in GGUF" : null;
    }

    private static void AssertUpdates(string source, string model, string path)
    {
        using var adapter = AdapterFolder.Open(source);
        using var file = GgufFile.Open(path);
        var config = ModelConfig.Load(Path.Combine(model, "config.json"));
        var architecture = GgufArchitecture.For(config.ModelType)!.Value.Architecture;
        var alpha = (float)file.Metadata["adapter.lora.alpha"];
        var numbers = new TargetMatcher(adapter.Config);
        var compared = 0;
        foreach (var t in adapter.Weights.Tensors)
        {
            var (kind, module) = AdapterKeys.Parse(AdapterKeys.ToName(t.Name)!);
            if (kind is not (AdapterTensorKind.LoraB or AdapterTensorKind.EmbeddingB)) continue;
            var embedding = kind == AdapterTensorKind.EmbeddingB;
            var nameOfA = AdapterKeys.ToKey(AdapterKeys.NameOf(module, embedding ? AdapterTensorKind.EmbeddingA : AdapterTensorKind.LoraA));
            Assert.True(adapter.Weights.TryGet(nameOfA, out var ofA));
            float[] a = new float[ofA.Elements], b = new float[t.Elements];
            Assert.True(adapter.TryRead(nameOfA, a) && adapter.TryRead(t.Name, b));
            var (rank, scaling) = ((int)ofA.Shape[0], adapter.Config.ScalingOf((int)ofA.Shape[0], numbers.NumbersFor(module).Alpha));
            var name = GgufNames.FromHuggingFace(architecture, module + ".weight")!;
            float[] gotA = Floats(name + ".lora_a"), gotB = Floats(name + ".lora_b");
            var heads = config.ModelType is not ("llama" or "mistral") ? 0 : module.EndsWith("q_proj", StringComparison.Ordinal) ? config.Require("num_attention_heads") : module.EndsWith("k_proj", StringComparison.Ordinal) ? config.Require("num_key_value_heads") : 0;
            var rows = (int)t.Shape[0];
            for (var row = 0; row < rows; row++)
                for (var r = 0; r < rank; r++)
                {
                    var want = scaling * b[row * rank + r];
                    Assert.True(Math.Abs(alpha / rank * gotB[Place(row, rows, heads) * rank + r] - want) <= 1e-6 * Math.Abs(want) + 1e-9, $"{t.Name}: row {row}");
                }
            var width = a.Length / rank;
            for (var i = 0; i < a.Length; i++) Assert.Equal(a[i], embedding ? gotA[i % width * rank + i / width] : gotA[i]);
            compared++;
        }
        Assert.True(compared > 0 && file.Tensors.Count == 2 * compared);

        float[] Floats(string name)
        {
            Assert.True(file.TryGet(name, out var info), name);
            return MemoryMarshal.Cast<byte, float>(file.Bytes(info)).ToArray();
        }
    }

    // llama.cpp's order: of a head's two halves, the rows stand in turn.
    private static int Place(int row, int rows, long heads)
    {
        if (heads == 0) return row;
        var size = (int)(rows / heads);
        var (head, within) = (row / size, row % size);
        return head * size + (within < size / 2 ? 2 * within : 2 * (within - size / 2) + 1);
    }
}
