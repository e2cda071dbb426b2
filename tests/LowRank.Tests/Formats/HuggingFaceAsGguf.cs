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
        return document.RootElement.TryGetProperty("model_type", out _) ? null : "config.v4.json names no model_type";
    }

    private static readonly Dictionary<string, string> architectures = new()
    {
        ["mistral"] = "llama", ["mixtral"] = "llama", ["gemma3_text"] = "gemma3", ["qwen3_moe"] = "qwen3moe",
    };

    private static bool Permutes(string type) => type is "llama" or "mistral" or "mixtral" or "granite" or "smollm3";

    public static byte[] Convert(ITensorSource source, JsonElement config)
    {
        var type = config.GetProperty("model_type").GetString()!;
        var arch = architectures.GetValueOrDefault(type, type);
        var data = new MemoryStream();
        var entries = new List<(string Name, long[] Shape, long Offset)>();
        long heads = config.GetProperty(type == "gpt2" ? "n_head" : "num_attention_heads").GetInt64(), kv = config.TryGetProperty("num_key_value_heads", out var of) ? of.GetInt64() : heads;
        var experts = new SortedDictionary<string, SortedDictionary<int, (long[] Shape, float[] Values)>>(StringComparer.Ordinal);
        foreach (var t in source.Tensors)
        {
            var values = new float[t.Elements];
            GgufDequantizer.Dequantize(t.Type, source.Bytes(t), values);
            var name = Name(t.Name, type);
            if (Expert(t.Name) is { } expert)
            {
                if (!experts.TryGetValue(expert.Name, out var all)) experts[expert.Name] = all = [];
                all[expert.Number] = (t.Shape, values);
                continue;
            }
            if (type == "gpt2" && t.Shape.Length == 2 && t.Name.Contains(".h.", StringComparison.Ordinal))
            {
                Append(name, [t.Shape[1], t.Shape[0]], [.. Enumerable.Range(0, values.Length).Select(i => values[i % (int)t.Shape[0] * (int)t.Shape[1] + i / (int)t.Shape[0]])]);
                continue;
            }
            if (Permutes(type) && (t.Name.Contains("q_proj", StringComparison.Ordinal) || t.Name.Contains("k_proj", StringComparison.Ordinal)))
                values = Permute(values, t.Shape[0], t.Name.Contains("q_proj", StringComparison.Ordinal) ? heads : kv);
            if (arch.StartsWith("gemma", StringComparison.Ordinal) && t.Name.EndsWith("norm.weight", StringComparison.Ordinal))
                for (var i = 0; i < values.Length; i++) values[i] += 1f;
            Append(name, t.Shape, values);
        }
        foreach (var (name, all) in experts) Append(name, [all.Count, .. all[0].Shape], [.. all.Values.SelectMany(e => e.Values)]);
        if (Rope(config) is { } rope && RopeType(rope) == "llama3") Append("rope_freqs.weight", null, Llama3(config, rope));
        if (Rope(config) is { } longRope && RopeType(longRope) == "longrope")
            foreach (var side in new[] { "long", "short" })
                Append($"rope_factors_{side}.weight", null, [.. longRope.GetProperty($"{side}_factor").EnumerateArray().Select(f => f.GetSingle())]);
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

    private static JsonElement? Rope(JsonElement config) => config.TryGetProperty("rope_scaling", out var rope) && rope.ValueKind == JsonValueKind.Object ? rope : null;

    // blk.N.ffn_gate_exps and so on: the experts of a layer, one after another.
    private static (string Name, int Number)? Expert(string name)
    {
        var parts = name.Split('.');
        var at = Array.IndexOf(parts, "experts");
        if (at < 0) return null;
        var which = parts[at + 2] switch { "w1" or "gate_proj" => "gate", "w3" or "up_proj" => "up", _ => "down" };
        return ($"blk.{parts[2]}.ffn_{which}_exps.weight", int.Parse(parts[at + 1], System.Globalization.CultureInfo.InvariantCulture));
    }

    private static string RopeType(JsonElement rope) => (rope.TryGetProperty("rope_type", out var t) ? t : rope.GetProperty("type")).GetString()!;

    private static void Metadata(GgufBuilder builder, string arch, JsonElement config)
    {
        foreach (var (key, field) in new[] { ("embedding_length", "hidden_size"), ("feed_forward_length", "intermediate_size"), ("block_count", "num_hidden_layers"), ("context_length", "max_position_embeddings"),
                     ("attention.head_count", "num_attention_heads"), ("attention.head_count_kv", "num_key_value_heads"), ("attention.key_length", "head_dim"), ("attention.sliding_window", "sliding_window"),
                     ("embedding_length", "n_embd"), ("block_count", "n_layer"), ("context_length", "n_positions"), ("attention.head_count", "n_head"),
                     ("expert_count", "num_local_experts"), ("expert_count", "num_experts"), ("expert_used_count", "num_experts_per_tok"), ("expert_feed_forward_length", "moe_intermediate_size"),
                     ("attention.sliding_window_pattern", "sliding_window_pattern"), ("rope.scaling.original_context_length", "original_max_position_embeddings") })
            if (config.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Number) builder.Pair($"{arch}.{key}", value.GetUInt32());
        foreach (var (key, field) in new[] { ("attention.layer_norm_rms_epsilon", "rms_norm_eps"), ("rope.freq_base", "rope_theta"), ("attn_logit_softcapping", "attn_logit_softcapping"), ("final_logit_softcapping", "final_logit_softcapping"),
                     ("attention.layer_norm_epsilon", "layer_norm_eps"), ("attention.layer_norm_epsilon", "norm_epsilon"), ("attention.layer_norm_epsilon", "layer_norm_epsilon"),
                     ("attention.scale", "attention_multiplier"), ("embedding_scale", "embedding_multiplier"), ("residual_scale", "residual_multiplier"), ("logit_scale", "logits_scaling") })
            if (config.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Number) builder.Pair($"{arch}.{key}", 6, w => w.Write(value.GetSingle()));
        foreach (var (key, field) in new[] { ("bos", "bos_token_id"), ("eos", "eos_token_id"), ("padding", "pad_token_id") })
            if (config.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Number) builder.Pair($"tokenizer.ggml.{key}_token_id", value.GetUInt32());
        if (arch == "gpt2") builder.Pair($"{arch}.feed_forward_length", 4 * config.GetProperty("n_embd").GetUInt32());
        if (config.TryGetProperty("partial_rotary_factor", out var share))
            builder.Pair($"{arch}.rope.dimension_count", (uint)(share.GetDouble() * config.GetProperty("hidden_size").GetInt64() / config.GetProperty("num_attention_heads").GetInt64()));
        if (Rope(config) is not { } rope || RopeType(rope) is "llama3" or "longrope") return;
        builder.Pair($"{arch}.rope.scaling.type", RopeType(rope)).Pair($"{arch}.rope.scaling.factor", 6, w => w.Write(rope.GetProperty("factor").GetSingle()));
        if (rope.TryGetProperty("original_max_position_embeddings", out var original)) builder.Pair($"{arch}.rope.scaling.original_context_length", original.GetUInt32());
    }

    private static string Name(string name, string type) => name switch
    {
        "model.embed_tokens.weight" or "transformer.wte.weight" => "token_embd.weight",
        "transformer.wpe.weight" => "position_embd.weight",
        "model.norm.weight" or "transformer.ln_f.weight" => "output_norm.weight",
        "model.norm.bias" or "transformer.ln_f.bias" => "output_norm.bias",
        "lm_head.weight" => "output.weight",
        _ => new (string From, string To)[]
        {
            ("model.layers.", "blk."), ("transformer.h.", "blk."), ("input_layernorm", "attn_norm"), ("ln_1", "attn_norm"), ("ln_2", "ffn_norm"), ("pre_feedforward_layernorm", "ffn_norm"),
            ("post_feedforward_layernorm", "post_ffw_norm"), ("post_attention_layernorm", type is "gemma2" or "gemma3_text" or "olmo2" ? "post_attention_norm" : "ffn_norm"),
            ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
            ("self_attn.o_proj", "attn_output"), ("self_attn.qkv_proj", "attn_qkv"), ("attn.c_attn", "attn_qkv"), ("attn.c_proj", "attn_output"),
            ("mlp.gate_up_proj", "ffn_up"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"), ("mlp.c_fc", "ffn_up"), ("mlp.c_proj", "ffn_down"),
            ("block_sparse_moe.gate", "ffn_gate_inp"), ("mlp.gate.", "ffn_gate_inp."),
        }.Aggregate(name, (n, r) => n.Replace(r.From, r.To, StringComparison.Ordinal)),
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
