using System.Runtime.InteropServices;
using System.Text.Json;
using LowRank.Formats;

namespace LowRank.Tests.Formats;

/// <summary>
/// Brings a small Hugging Face checkpoint into a GGUF file of F32 tensors by the rules of llama.cpp's <c>convert_hf_to_gguf.py</c>, written down
/// apart from the product's tables so that the two check each other.
/// </summary>
internal static class HuggingFaceAsGguf
{
    public static string? WhyNot(string folder)
    {
        var config = Path.Combine(folder, "config.v4.json");
        if (!File.Exists(config)) return "no config.v4.json: not a model folder";
        using var document = JsonDocument.Parse(File.ReadAllBytes(config));
        var type = document.RootElement.GetProperty("model_type").GetString()!;
        return type is "llama" or "mistral" or "qwen2" or "qwen3" or "gemma2" ? null : $"{type} is not read from GGUF yet";
    }

    public static byte[] Convert(ITensorSource source, JsonElement config)
    {
        var type = config.GetProperty("model_type").GetString()!;
        var arch = type == "mistral" ? "llama" : type;
        var data = new MemoryStream();
        var entries = new List<(string Name, long[] Shape, long Offset)>();
        long heads = config.GetProperty("num_attention_heads").GetInt64(), kv = config.GetProperty("num_key_value_heads").GetInt64();
        foreach (var t in source.Tensors)
        {
            var values = new float[t.Elements];
            GgufDequantizer.Dequantize(t.Type, source.Bytes(t), values);
            var name = Name(t.Name, type);
            if (arch == "llama" && (t.Name.Contains("q_proj", StringComparison.Ordinal) || t.Name.Contains("k_proj", StringComparison.Ordinal)))
                values = Permute(values, t.Shape[0], t.Name.Contains("q_proj", StringComparison.Ordinal) ? heads : kv);
            if (arch == "gemma2" && t.Name.EndsWith("norm.weight", StringComparison.Ordinal))
                for (var i = 0; i < values.Length; i++) values[i] += 1f;
            Append(name, t.Shape, values);
        }
        if (config.GetProperty("rope_scaling") is { ValueKind: JsonValueKind.Object } rope && RopeType(rope) == "llama3") Append("rope_freqs.weight", null, Llama3(config, rope));
        var builder = new GgufBuilder { Data = data.ToArray() }.Pair("general.architecture", arch);
        Metadata(builder, arch, config);
        foreach (var (name, shape, offset) in entries) builder.Tensor(name, 0, (ulong)offset, [.. shape.Reverse().Select(n => (ulong)n)]);
        return builder.Build();

        void Append(string name, long[]? shape, float[] values)
        {
            entries.Add((name, shape ?? [values.Length], data.Length));
            data.Write(MemoryMarshal.AsBytes<float>(values));
            while (data.Length % 32 != 0) data.WriteByte(0);
        }
    }

    private static string RopeType(JsonElement rope) => (rope.TryGetProperty("rope_type", out var t) ? t : rope.GetProperty("type")).GetString()!;

    private static void Metadata(GgufBuilder builder, string arch, JsonElement config)
    {
        foreach (var (key, field) in new[] { ("embedding_length", "hidden_size"), ("feed_forward_length", "intermediate_size"), ("block_count", "num_hidden_layers"), ("context_length", "max_position_embeddings"),
                     ("attention.head_count", "num_attention_heads"), ("attention.head_count_kv", "num_key_value_heads"), ("attention.key_length", "head_dim"), ("attention.sliding_window", "sliding_window") })
            if (config.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Number) builder.Pair($"{arch}.{key}", value.GetUInt32());
        foreach (var (key, field) in new[] { ("attention.layer_norm_rms_epsilon", "rms_norm_eps"), ("rope.freq_base", "rope_theta"), ("attn_logit_softcapping", "attn_logit_softcapping"), ("final_logit_softcapping", "final_logit_softcapping") })
            if (config.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Number) builder.Pair($"{arch}.{key}", 6, w => w.Write(value.GetSingle()));
        foreach (var (key, field) in new[] { ("bos", "bos_token_id"), ("eos", "eos_token_id"), ("padding", "pad_token_id") })
            if (config.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Number) builder.Pair($"tokenizer.ggml.{key}_token_id", value.GetUInt32());
        if (config.GetProperty("rope_scaling") is not { ValueKind: JsonValueKind.Object } rope || RopeType(rope) is "llama3") return;
        builder.Pair($"{arch}.rope.scaling.type", RopeType(rope)).Pair($"{arch}.rope.scaling.factor", 6, w => w.Write(rope.GetProperty("factor").GetSingle()));
        if (rope.TryGetProperty("original_max_position_embeddings", out var original)) builder.Pair($"{arch}.rope.scaling.original_context_length", original.GetUInt32());
    }

    private static string Name(string name, string type) => name switch
    {
        "model.embed_tokens.weight" => "token_embd.weight",
        "model.norm.weight" => "output_norm.weight",
        "lm_head.weight" => "output.weight",
        _ => name.Replace("model.layers.", "blk.", StringComparison.Ordinal)
            .Replace("input_layernorm", "attn_norm", StringComparison.Ordinal).Replace("pre_feedforward_layernorm", "ffn_norm", StringComparison.Ordinal)
            .Replace("post_feedforward_layernorm", "post_ffw_norm", StringComparison.Ordinal)
            .Replace("post_attention_layernorm", type == "gemma2" ? "post_attention_norm" : "ffn_norm", StringComparison.Ordinal)
            .Replace("self_attn.q_norm", "attn_q_norm", StringComparison.Ordinal).Replace("self_attn.k_norm", "attn_k_norm", StringComparison.Ordinal)
            .Replace("self_attn.q_proj", "attn_q", StringComparison.Ordinal).Replace("self_attn.k_proj", "attn_k", StringComparison.Ordinal)
            .Replace("self_attn.v_proj", "attn_v", StringComparison.Ordinal).Replace("self_attn.o_proj", "attn_output", StringComparison.Ordinal)
            .Replace("mlp.gate_proj", "ffn_gate", StringComparison.Ordinal).Replace("mlp.up_proj", "ffn_up", StringComparison.Ordinal).Replace("mlp.down_proj", "ffn_down", StringComparison.Ordinal),
    };

    // LlamaModel.permute: reshape(heads, 2, rows / heads / 2, columns).swapaxes(1, 2).
    private static float[] Permute(float[] values, long rows, long heads)
    {
        long columns = values.Length / rows, half = rows / heads / 2;
        var permuted = new float[values.Length];
        long to = 0;
        for (long head = 0; head < heads; head++)
            for (long i = 0; i < half; i++)
                for (long side = 0; side < 2; side++)
                    for (long c = 0; c < columns; c++) permuted[to++] = values[((head * 2 + side) * half + i) * columns + c];
        return permuted;
    }

    // LlamaModel.generate_extra_tensors, in double precision.
    public static float[] Llama3(JsonElement config, JsonElement rope)
    {
        int dim = config.GetProperty("head_dim").GetInt32();
        double theta = config.GetProperty("rope_theta").GetDouble(), factor = rope.GetProperty("factor").GetDouble(), low = rope.GetProperty("low_freq_factor").GetDouble(),
            high = rope.GetProperty("high_freq_factor").GetDouble(), original = rope.GetProperty("original_max_position_embeddings").GetDouble();
        return [.. Enumerable.Range(0, dim / 2).Select(i =>
        {
            var wavelength = 2 * Math.PI * Math.Pow(theta, 2.0 * i / dim);
            var smooth = (original / wavelength - low) / (high - low);
            return (float)(wavelength < original / high ? 1 : wavelength > original / low ? factor : 1 / ((1 - smooth) / factor + smooth));
        })];
    }
}
