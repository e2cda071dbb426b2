using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Export;
using LowRank.Models.Families;
using LowRank.Testing;

namespace LowRank.Models.Tests.Export;

/// <summary>The tiny models of fixtures/models as GGUF: names, shapes, order of rows, norms, rotary factors, both forms of the configuration, and read back where LowRank reads the architecture.</summary>
[Trait("Category", "Golden")]
public sealed class GgufFamilyTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static IEnumerable<TheoryDataRow<string>> Models => Golden.Cases("gguf/families", GoldenModels.Names, name =>
        GgufArchitecture.For(ModelConfig.Load(Golden.At("models", name, "config.json")).ModelType) is null ? $"{name}: not written as GGUF" : null);

    [Theory, MemberData(nameof(Models))]
    public void Is_written_and_read_back(string name)
    {
        var path = Path.Combine(folder, "x.gguf");
        using var tensors = SafetensorsFolder.Open(Golden.At("models", name));
        var config = Export(name, "config.json", path);
        using (var file = GgufFile.Open(path))
        {
            var architecture = GgufArchitecture.For(config.ModelType)!.Value;
            Assert.Equal(architecture.Name, file.Metadata["general.architecture"]);
            Assert.Equal((uint)config.Require("num_hidden_layers"), file.Metadata[$"{architecture.Name}.block_count"]);
            Assert.Equal(tensors.Tensors.Select(t => (GgufNames.FromHuggingFace(architecture.Architecture, t.Name), string.Join(',', t.Shape))).Order(),
                file.Tensors.Where(t => !t.Name.StartsWith("rope_f", StringComparison.Ordinal)).Select(t => ((string?)t.Name, string.Join(',', t.Shape))).Order());
            foreach (var t in tensors.Tensors) AssertSame(t, Values(tensors, t), Restored(file, architecture.Architecture, config, t));
        }
        AssertReadBack(path, tensors, config);
    }

    // transformers 4 and 5 write a configuration in two forms, which mean the same model.
    [Theory, MemberData(nameof(Models))]
    public void Both_forms_of_the_configuration_give_the_same_file(string name)
    {
        Export(name, "config.json", Path.Combine(folder, "five.gguf"));
        Export(name, "config.v4.json", Path.Combine(folder, "four.gguf"));
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "five.gguf")), File.ReadAllBytes(Path.Combine(folder, "four.gguf")));
    }

    [Fact]
    public void Long_rope_is_two_tensors_and_a_factor_of_attention()
    {
        Require("phi3-longrope");
        Export("phi3-longrope", "config.json", Path.Combine(folder, "x.gguf"));
        using var file = GgufFile.Open(Path.Combine(folder, "x.gguf"));
        Assert.Equal(["rope_factors_long.weight", "rope_factors_short.weight"], file.Tensors.Take(2).Select(t => t.Name));
        Assert.Equal([1.5f, 4f, 11f], MemoryMarshal.Cast<byte, float>(file.Bytes(file.Tensors[0])).ToArray());
        Assert.Equal([1f, 1.3f, 1.9f], MemoryMarshal.Cast<byte, float>(file.Bytes(file.Tensors[1])).ToArray());
        // 128 tokens of context, 32 at first: sqrt(1 + ln 4 / ln 32).
        Assert.Equal((float)Math.Sqrt(1 + Math.Log(4) / Math.Log(32)), file.Metadata["phi3.rope.scaling.attn_factor"]);
        Assert.Equal((6u, 32u, 0u), ((uint)file.Metadata["phi3.rope.dimension_count"], (uint)file.Metadata["phi3.rope.scaling.original_context_length"], (uint)file.Metadata["phi3.attention.sliding_window"]));
        Assert.Contains("blk.0.attn_qkv.weight", file.Tensors.Select(t => t.Name));
    }

    [Fact]
    public void Gemma3_has_a_base_for_each_kind_of_layer()
    {
        Require("gemma3");
        Export("gemma3", "config.json", Path.Combine(folder, "x.gguf"));
        using var file = GgufFile.Open(Path.Combine(folder, "x.gguf"));
        Assert.Equal((1e6f, 1e4f, "linear", 8f), (file.Metadata["gemma3.rope.freq_base"], file.Metadata["gemma3.rope.freq_base_swa"], file.Metadata["gemma3.rope.scaling.type"], file.Metadata["gemma3.rope.scaling.factor"]));
        Assert.Equal((8u, 3u), (file.Metadata["gemma3.attention.sliding_window"], file.Metadata["gemma3.attention.sliding_window_pattern"]));
        Assert.Contains("blk.0.attn_q_norm.weight", file.Tensors.Select(t => t.Name));
    }

    [Fact]
    public void A_window_that_llama_cpp_lacks_is_told()
    {
        Require("mistral-sliding");
        var warnings = new List<string>();
        Export("mistral-sliding", "config.json", Path.Combine(folder, "x.gguf"), warnings.Add);
        Assert.Contains("sliding window of 8 tokens", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gemma2", "query_pre_attn_scalar", "24", "query_pre_attn_scalar is 24, which has no place in GGUF: llama.cpp takes 16")]
    [InlineData("llama-gqa", "hidden_act", "\"gelu\"", "the activation \"gelu\" has no place in GGUF")]
    [InlineData("llama-gqa", "rope_scaling", "{\"rope_type\": \"dynamic\", \"factor\": 2}", "the rope scaling \"dynamic\" has no form")]
    [InlineData("llama-gqa", "model_type", "\"gpt2\"", "a model of the type \"gpt2\" cannot be written as GGUF here; gemma2, gemma3_text, llama, mistral, phi3, qwen2, qwen3 can")]
    [InlineData("llama-gqa", "num_hidden_layers", "4", "lacks tensors that a GGUF file needs: blk.3.")]
    [InlineData("llama-gqa", "num_key_value_heads", "3", "does not divide into 3 heads of two halves")]
    public void What_the_file_would_not_say_is_refused(string name, string field, string value, string message)
    {
        Require(name);
        var model = Copy(name, "config.v4.json", c => c[field] = JsonNode.Parse(value));
        var error = Assert.ThrowsAny<LowRankException>(() => Write(model, Path.Combine(folder, "x.gguf"), GgufFileType.F32, null));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder, "x.gguf")));
    }

    // 48 values in a row are no blocks of 32.
    [Fact]
    public void A_width_that_the_type_does_not_allow_is_refused_with_every_tensor_named()
    {
        Require("mistral-sliding");
        var model = Copy("mistral-sliding", "config.json", _ => { });
        var target = Path.Combine(folder, "out", "x.gguf");
        var error = Assert.Throws<LowRankException>(() => Write(model, target, GgufFileType.Q8_0, null));
        Assert.Contains("this model cannot be written as Q8_0: 'token_embd.weight' has rows of 48, no multiple of the 32 values in a block of Q8_0; ", error.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was written; f16, bf16 and f32 hold every width", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.GetDirectoryName(target)));
    }

    [Fact]
    public void A_value_that_the_type_does_not_hold_is_refused()
    {
        var model = TinyModelWith(70000f);
        var error = Assert.Throws<LowRankException>(() => Write(model, Path.Combine(folder, "x.gguf"), GgufFileType.F16, null));
        Assert.Contains("tensor 'model.embed_tokens.weight' holds 70000 (element 33", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder, "x.gguf")));
        Write(model, Path.Combine(folder, "x.gguf"), GgufFileType.BF16, null);
        Assert.True(File.Exists(Path.Combine(folder, "x.gguf")));
    }

    // What merging an adapter gives is exported in place of the model's own weights.
    [Fact]
    public void Other_weights_under_the_same_names_are_written()
    {
        var (model, other) = (Training.Tests.TinyModel.Create(Path.Combine(folder, "one")), Training.Tests.TinyModel.Create(Path.Combine(folder, "two"), seed: 2));
        using var weights = SafetensorsFolder.Open(other);
        GgufExporter.Export(model, Path.Combine(folder, "merged.gguf"), new GgufExportOptions { Type = GgufFileType.F32, Weights = weights });
        GgufExporter.Export(other, Path.Combine(folder, "two.gguf"), new GgufExportOptions { Type = GgufFileType.F32 });
        using GgufFile merged = GgufFile.Open(Path.Combine(folder, "merged.gguf")), wanted = GgufFile.Open(Path.Combine(folder, "two.gguf"));
        foreach (var (want, got) in wanted.Tensors.Zip(merged.Tensors)) Assert.True(want.Name == got.Name && wanted.Bytes(want).SequenceEqual(merged.Bytes(got)), got.Name);
        Assert.Equal("One", merged.Metadata["general.name"]);
    }

    private string TinyModelWith(float value)
    {
        var model = Training.Tests.TinyModel.Create(Path.Combine(folder, "tiny"));
        long offset;
        using (var tensors = SafetensorsFile.Open(Path.Combine(model, "model.safetensors")))
        {
            Assert.True(tensors.TryGet("model.embed_tokens.weight", out var info));
            offset = info.Offset + 33 * sizeof(float);
        }
        using var stream = new FileStream(Path.Combine(model, "model.safetensors"), FileMode.Open, FileAccess.Write);
        stream.Position = offset;
        stream.Write(BitConverter.GetBytes(value));
        return model;
    }

    private void AssertReadBack(string path, SafetensorsFolder tensors, ModelConfig config)
    {
        using var checkpoint = GgufCheckpoint.Open(path);
        Assert.Equal(tensors.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), checkpoint.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        var read = new ModelConfig(checkpoint.Config, path);
        Assert.Equal(config.ModelType, read.ModelType);
        // The spec is all that the decoder knows of a configuration; text, as records with lists compare by reference.
        DecoderText(config, read);
        foreach (var t in tensors.Tensors)
        {
            Assert.True(checkpoint.TryGet(t.Name, out var got));
            var values = new float[t.Elements];
            FloatConversion.BFloat16ToSingle(MemoryMarshal.Cast<byte, ushort>(checkpoint.Bytes(got)), values);
            // One rounding to bf16, and for norms one of the sum with one.
            foreach (var (want, value) in Values(tensors, t).Zip(values)) Assert.True(Math.Abs(want - value) <= Math.Abs(want) / 256 + 2e-7, $"{t.Name}: {value}, wanted {want}");
        }
    }

    private static void DecoderText(ModelConfig config, ModelConfig read)
    {
        foreach (var field in new[] { "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "max_position_embeddings", "sliding_window" })
            if (config.Integer(field) is { } value && (field != "sliding_window" || config.ModelType != "qwen2")) Assert.Equal((field, (long?)value), (field, read.Integer(field)));
        var family = ModelFamilies.Of(config);
        var (want, got) = (family.Read(config), ModelFamilies.Of(read).Read(read));
        Assert.Equal((want.Layers, want.VocabularySize, want.ModelType), (got.Layers, got.VocabularySize, got.ModelType));
        Assert.Equal(new GgufRope(config).Theta ?? 10000, new GgufRope(read).Theta ?? 10000);
        Assert.Equal((new GgufRope(config).Type, new GgufRope(config).Number("factor")), (new GgufRope(read).Type, new GgufRope(read).Number("factor")));
    }

    // The rules of llama.cpp undone, written down apart from the product's code.
    private static float[] Restored(GgufFile file, GgufArchitecture architecture, ModelConfig config, TensorInfo t)
    {
        Assert.True(file.TryGet(GgufNames.FromHuggingFace(architecture, t.Name)!, out var info));
        var values = MemoryMarshal.Cast<byte, float>(file.Bytes(info)).ToArray();
        if (config.ModelType.StartsWith("gemma", StringComparison.Ordinal) && t.Name.EndsWith("norm.weight", StringComparison.Ordinal))
            for (var i = 0; i < values.Length; i++) values[i] -= 1;
        var (isQuery, isKey) = (t.Name.Contains("q_proj", StringComparison.Ordinal), t.Name.Contains("k_proj", StringComparison.Ordinal));
        if (config.ModelType is not ("llama" or "mistral") || !isQuery && !isKey) return values;
        var heads = isQuery ? config.Require("num_attention_heads") : config.Integer("num_key_value_heads") ?? config.Require("num_attention_heads");
        var (columns, half) = (values.Length / t.Shape[0], t.Shape[0] / heads / 2);
        var restored = new float[values.Length];
        for (long head = 0, from = 0; head < heads; head++)
            for (long i = 0; i < half; i++)
                for (long side = 0; side < 2; side++, from++)
                    Array.Copy(values, from * columns, restored, ((head * 2 + side) * half + i) * columns, columns);
        return restored;
    }

    private static void AssertSame(TensorInfo t, float[] want, float[] got)
    {
        // Exact, but for norms that went up and down by one.
        var room = t.Name.EndsWith("norm.weight", StringComparison.Ordinal) ? 2.4e-7 : 0;
        Near.All(want, got, room, t.Name);
    }

    private static float[] Values(SafetensorsFolder tensors, TensorInfo t)
    {
        var values = new float[t.Elements];
        GgufDequantizer.Dequantize(t.Type, tensors.Bytes(t), values);
        return values;
    }

    private ModelConfig Export(string name, string config, string path, Action<string>? warning = null)
    {
        // The scale of attention that the file can say is the one by the head's size.
        var model = Copy(name, config, c =>
        {
            if (c["query_pre_attn_scalar"] is not null) c["query_pre_attn_scalar"] = c["head_dim"]!.DeepClone();
        });
        Write(model, path, GgufFileType.F32, warning);
        return ModelConfig.Load(Path.Combine(model, "config.json"));
    }

    private string Copy(string name, string config, Action<JsonObject> change)
    {
        var target = Path.Combine(folder, name);
        Directory.CreateDirectory(target);
        foreach (var file in Directory.GetFiles(Golden.At("models", name), "model*")) File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        var json = JsonNode.Parse(File.ReadAllText(Golden.At("models", name, config)))!.AsObject();
        change(json);
        File.WriteAllText(Path.Combine(target, "config.json"), json.ToJsonString());
        return target;
    }

    // The tiny models have no tokenizer.
    private static void Write(string model, string path, GgufFileType type, Action<string>? warning)
    {
        using var source = ExportSource.Open(model);
        GgufExporter.Export(source, path, new GgufExportOptions { Type = type, Warning = warning }, CancellationToken.None, withTokenizer: false);
    }

    private static void Require(string name) => Assert.SkipUnless(Directory.Exists(Golden.At("models", name)), $"absent: models/{name}");
}
