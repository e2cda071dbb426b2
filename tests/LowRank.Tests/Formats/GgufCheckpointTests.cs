using System.Security.Cryptography;
using System.Text.Json;
using LowRank.Formats;
using LowRank.Testing;

namespace LowRank.Tests.Formats;

public sealed class GgufCheckpointTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static IEnumerable<TheoryDataRow<string>> References => Golden.Cases("gguf/weights", "smollm2", "reference.json");

    // Reference: model.safetensors that transformers 5.23 saved from the same GGUF in bf16 (fixtures/smollm2/reference.json).
    [Theory, MemberData(nameof(References)), Trait("Category", "RealModel")]
    public void The_real_model_gives_the_file_that_transformers_saves(string name)
    {
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Golden.At("smollm2", name + ".json")));
        using var source = GgufCheckpoint.Open(RealModels.Require(RealModels.SmolLM2));
        var path = Path.Combine(folder, "model.safetensors");
        using (var writer = SafetensorsWriter.Create(path, source.Tensors.Select(t => (t.Name, t.Type, t.Shape))))
        {
            foreach (var t in source.Tensors)
            {
                writer.Write(t.Name, source.Bytes(t));
                source.DropPages(t);
            }
            writer.Commit();
        }
        Assert.Equal(reference.RootElement.GetProperty("weights_sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));
        Assert.Equal("""["LlamaForCausalLM"]""", source.Config["architectures"]!.ToJsonString());
        Assert.Equal(["1e-05", "100000.0", "0.0"], new[] { "rms_norm_eps", "rope_theta", "attention_dropout" }.Select(f => source.Config[f]!.ToJsonString()));
        Assert.True((bool)source.Config["tie_word_embeddings"]!);
    }

    // The tiny models of fixtures/models, brought into GGUF by the rules of llama.cpp's converter (HuggingFaceAsGguf), have to come back.
    public static IEnumerable<TheoryDataRow<string>> Models => Golden.Cases("gguf/round-trip",
        !Directory.Exists(Golden.At("models")) ? [] : Directory.GetDirectories(Golden.At("models")).Where(p => File.Exists(Path.Combine(p, "config.v4.json")))
            .Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal),
        name => HuggingFaceAsGguf.WhyNot(Golden.At("models", name)));

    [Theory, MemberData(nameof(Models)), Trait("Category", "Golden")]
    public unsafe void A_model_comes_back_from_gguf(string name)
    {
        using var original = SafetensorsFolder.Open(Golden.At("models", name));
        using var config = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", name, "config.v4.json")));
        var path = Path.Combine(folder, "x.gguf");
        File.WriteAllBytes(path, HuggingFaceAsGguf.Convert(original, config.RootElement));
        using var source = GgufCheckpoint.Open(path);
        Assert.Equal(original.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), source.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        foreach (var want in original.Tensors)
        {
            Assert.True(source.TryGet(want.Name, out var got));
            Assert.Equal(want.Shape, got.Shape);
            var values = new float[want.Elements];
            GgufDequantizer.Dequantize(want.Type, original.Bytes(want), values);
            var bits = new ushort[values.Length];
            // Norms of the Gemma families lose up to half a unit of 1.0 by the addition in single precision, as in llama.cpp.
            if (name.StartsWith("gemma", StringComparison.Ordinal) && want.Name.EndsWith("norm.weight", StringComparison.Ordinal))
                for (var i = 0; i < values.Length; i++) values[i] = values[i] + 1f - 1f;
            FloatConversion.SingleToBFloat16(values, bits);
            Assert.True(System.Runtime.InteropServices.MemoryMarshal.AsBytes<ushort>(bits).SequenceEqual(source.Bytes(got)), $"{want.Name} differs");
            var rows = Math.Min(want.Shape[0], 3);
            var some = new ushort[want.Elements / want.Shape[0] * rows];
            fixed (ushort* to = some) source.ConvertRows(got, want.Shape[0] - rows, rows, to);
            Assert.Equal(bits[^some.Length..], some);
        }
        foreach (var field in config.RootElement.EnumerateObject())
            if (source.Config.TryGetPropertyValue(field.Name, out var got) && field.Name is not ("torch_dtype" or "query_pre_attn_scalar" or "attention_bias" or "rope_scaling" or "max_window_layers"))
                AssertSame(field.Name, field.Value, got?.ToJsonString() ?? "null");
        if (config.RootElement.TryGetProperty("rope_scaling", out var rope)) AssertRope(rope, source.Config["rope_scaling"]?.AsObject());
    }

    [Fact]
    public void What_is_not_known_is_refused_by_name()
    {
        Refused(new GgufBuilder().Pair("general.architecture", "rwkv7").Build(), "'rwkv7' is not supported; supported are gemma, gemma2, gemma3, gpt2, granite, llama, olmo2, phi3, qwen2, qwen3, qwen3moe, smollm3, stablelm, starcoder2");
        Refused(new GgufBuilder().Build(), "general.architecture");
        Refused(Llama().Build(), "token_embd.weight");
        Refused(Llama().Tensor("token_embd.weight", 0, 0, 4, 2).Tensor("blk.0.attn_rot.weight", 0, 32, 4).Build(), "'blk.0.attn_rot.weight' is not one of the llama");
        Refused(Llama().Tensor("token_embd.weight", 0, 0, 4, 2).Tensor("blk.0.attn_q.weight", 0, 32, 4, 2).Build(), "does not divide into 2 heads");
        Refused(Llama().Tensor("token_embd.weight", 0, 0, 4, 2).Tensor("blk.0.ffn_up.weight", 99, 32, 4, 2).Build(), "GGUF type 99");
        Refused(Llama().Tensor("token_embd.weight", 0, 0, 3, 2).Build(), "rows of 3");
        Refused(new GgufBuilder().Pair("general.architecture", "gemma2").Pair("gemma2.expert_count", 8u).Build(), "mixture of experts");
        Refused(Llama().Pair("llama.expert_count", 8u).Pair("llama.expert_used_count", 2u).Tensor("token_embd.weight", 0, 0, 4, 2).Tensor("blk.0.ffn_up_exps.weight", 0, 32, 4, 2).Build(), "is not the matrices of all experts");
        Refused(Llama().Pair("llama.rope.scaling.type", "dynamic").Pair("llama.rope.scaling.factor", 4u).Tensor("token_embd.weight", 0, 0, 4, 2).Build(), "rope scaling 'dynamic'");
        Refused(Llama(heads: 8).Tensor("token_embd.weight", 0, 0, 4, 2).Build(), "'llama.attention.head_count' is 8, more heads than the model is wide ('llama.embedding_length' is 4)");
        var data = new byte[256];
        BitConverter.TryWriteBytes(data.AsSpan(32), float.NaN);
        Refused(Llama(data).Tensor("token_embd.weight", 0, 0, 4, 2).Tensor("rope_factors_short.weight", 0, 32, 1).Tensor("rope_factors_long.weight", 0, 64, 1).Build(), "rope_factors_short.weight holds NaN at 0");
    }

    [Theory]
    [InlineData(500000, 128, 8, 8192)] // Llama 3.1 8B
    [InlineData(500000, 64, 32, 8192)] // Llama 3.2 1B
    [InlineData(10000, 64, 4, 512)]
    public void Llama3_rope_scaling_comes_back_from_its_factors(double theta, int headSize, double factor, double original)
    {
        using var config = JsonDocument.Parse($$$"""{"head_dim":{{{headSize}}},"rope_theta":{{{theta}}},"rope_scaling":{"rope_type":"llama3","factor":{{{factor}}},"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":{{{original}}}}}""");
        var factors = HuggingFaceAsGguf.Llama3(config.RootElement, config.RootElement.GetProperty("rope_scaling"));
        var data = new byte[32 + factors.Length * 4];
        System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(factors).CopyTo(data.AsSpan(32));
        var path = Path.Combine(folder, "x.gguf");
        File.WriteAllBytes(path, Llama(data).Pair("llama.rope.freq_base", 6, w => w.Write((float)theta)).Tensor("token_embd.weight", 0, 0, 4, 2).Tensor("rope_freqs.weight", 0, 32, (ulong)factors.Length).Build());
        using var source = GgufCheckpoint.Open(path);
        AssertRope(config.RootElement.GetProperty("rope_scaling"), source.Config["rope_scaling"]!.AsObject());
    }

    [Fact]
    public void Factors_of_another_scaling_are_refused() =>
        Refused(Llama(new byte[256]).Tensor("token_embd.weight", 0, 0, 4, 2).Tensor("rope_freqs.weight", 0, 32, 4).Build(), "does not follow llama3 rope scaling");

    private static GgufBuilder Llama(byte[]? data = null, uint heads = 2) => new GgufBuilder { Data = data ?? new byte[256] }.Pair("general.architecture", "llama").Pair("llama.embedding_length", 4u).Pair("llama.feed_forward_length", 8u)
        .Pair("llama.block_count", 1u).Pair("llama.attention.head_count", heads).Pair("llama.context_length", 16u).Pair("llama.attention.layer_norm_rms_epsilon", 6, w => w.Write(1e-5f));

    private void Refused(byte[] content, string reason)
    {
        var path = Path.Combine(folder, "x.gguf");
        File.WriteAllBytes(path, content);
        Assert.Contains(reason, Assert.Throws<GgufException>(() => GgufCheckpoint.Open(path).Dispose()).Message, StringComparison.Ordinal);
    }

    private static void AssertSame(string key, JsonElement want, string got)
    {
        if (want.ValueKind == JsonValueKind.Number) Assert.Equal(want.GetDouble(), double.Parse(got, System.Globalization.CultureInfo.InvariantCulture));
        else Assert.True(JsonElement.DeepEquals(want, JsonDocument.Parse(got).RootElement), $"{key} is {got}, wanted {want.GetRawText()}");
    }

    private static void AssertRope(JsonElement want, System.Text.Json.Nodes.JsonObject? got)
    {
        if (want.ValueKind == JsonValueKind.Null)
        {
            Assert.Null(got);
            return;
        }
        foreach (var field in want.EnumerateObject())
        {
            var value = got![field.Name is "type" ? "rope_type" : field.Name]!.ToJsonString();
            AssertSame(field.Name, field.Value, value);
        }
    }
}
