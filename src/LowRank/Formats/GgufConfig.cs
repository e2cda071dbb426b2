using System.Globalization;
using System.Text.Json.Nodes;

namespace LowRank.Formats;

/// <summary>
/// The Hugging Face configuration of a GGUF model, in the form of published checkpoints (Transformers 4: <c>rope_theta</c>,
/// <c>rope_scaling</c>, <c>torch_dtype</c>), which Transformers 5 reads as well.
/// </summary>
public static class GgufConfig
{
    /// <summary>The content of <c>config.json</c>, keys in alphabetical order.</summary>
    /// <exception cref="GgufException">The architecture is not supported, or a key is missing or out of range.</exception>
    public static JsonObject ToHuggingFaceConfig(GgufFile file)
    {
        var m = new GgufMetadata(file.Path, file.Metadata);
        var architecture = GgufArchitecture.Of(m);
        if (!file.TryGet(GgufNames.Embedding, out var embedding) || embedding.Shape is not [var vocabulary, var hidden])
            throw new GgufException(file.Path, $"{file.Path}: there is no matrix {GgufNames.Embedding}; this file holds no whole model.", GgufNames.Embedding);
        if (m.RequiredInteger(m.Key("embedding_length")) != hidden)
            throw new GgufException(file.Path, $"{file.Path}: {m.Key("embedding_length")} is {m.Integer(m.Key("embedding_length"))}, but {GgufNames.Embedding} has rows of {hidden}.", GgufNames.Embedding);
        var heads = m.RequiredInteger(m.Key("attention.head_count"));
        var window = m.Integer(m.Key("attention.sliding_window")) is > 0 and var w ? w : (long?)null;
        var type = architecture.ModelType == "llama" && window is not null ? "mistral" : architecture.ModelType; // llama.cpp has one architecture for both
        var fields = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal)
        {
            ["architectures"] = new JsonArray(type == "mistral" ? "MistralForCausalLM" : architecture.ClassName),
            ["model_type"] = type,
            ["vocab_size"] = vocabulary,
            ["hidden_size"] = hidden,
            ["intermediate_size"] = m.RequiredInteger(m.Key("feed_forward_length")),
            ["num_hidden_layers"] = m.RequiredInteger(m.Key("block_count")),
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = m.Integer(m.Key("attention.head_count_kv")) ?? heads,
            ["head_dim"] = m.Integer(m.Key("attention.key_length")) ?? m.Integer(m.Key("rope.dimension_count")) ?? hidden / heads,
            ["max_position_embeddings"] = m.RequiredInteger(m.Key("context_length")),
            ["rms_norm_eps"] = Float(m.Number(m.Key("attention.layer_norm_rms_epsilon")))
                ?? throw new GgufException(file.Path, $"{file.Path}: metadata key '{m.Key("attention.layer_norm_rms_epsilon")}' is missing.", m.Key("attention.layer_norm_rms_epsilon")),
            ["rope_theta"] = Float(m.Number(m.Key("rope.freq_base")) ?? 10000f),
            ["rope_scaling"] = GgufRopeScaling.Of(file, m),
            ["tie_word_embeddings"] = !file.TryGet(GgufNames.Output, out _),
            ["torch_dtype"] = "bfloat16",
            ["attention_dropout"] = Float(0),
            ["initializer_range"] = Float(0.02f),
            ["use_cache"] = true,
        };
        AddTokens(m, fields);
        AddFamily(file, m, type, window, fields);
        return new JsonObject(fields);
    }

    /// <summary>The content of <c>generation_config.json</c>: the special token ids, the end-of-turn token among those that end.</summary>
    public static JsonObject ToGenerationConfig(GgufFile file)
    {
        var m = new GgufMetadata(file.Path, file.Metadata);
        var fields = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        AddTokens(m, fields);
        if (m.Integer("tokenizer.ggml.eos_token_id") is { } eos && m.Integer("tokenizer.ggml.eot_token_id") is { } eot && eot != eos)
            fields["eos_token_id"] = new JsonArray(eos, eot);
        return new JsonObject(fields);
    }

    /// <summary>A number that stays a float for a reader that tells 10000.0 from 10000, as the typed configurations of Transformers 5 do.</summary>
    internal static JsonNode? Float(float? value)
    {
        if (value is not { } number) return null;
        var text = number.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant();
        return JsonNode.Parse(text.AsSpan().IndexOfAny('.', 'e') >= 0 ? text : text + ".0");
    }

    private static void AddTokens(GgufMetadata m, SortedDictionary<string, JsonNode?> fields)
    {
        foreach (var (key, name) in new[] { ("bos", "bos_token_id"), ("eos", "eos_token_id"), ("padding", "pad_token_id") })
            if (m.Integer($"tokenizer.ggml.{key}_token_id") is { } id) fields[name] = id;
    }

    private static void AddFamily(GgufFile file, GgufMetadata m, string type, long? window, SortedDictionary<string, JsonNode?> fields)
    {
        switch (type)
        {
            case "llama":
                fields["attention_bias"] = file.TryGet("blk.0.attn_output.bias", out _);
                fields["mlp_bias"] = file.TryGet("blk.0.ffn_gate.bias", out _);
                break;
            case "mistral":
                fields["sliding_window"] = window;
                break;
            case "qwen2" or "qwen3":
                fields["use_sliding_window"] = false;
                if (type == "qwen3") fields["attention_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
                break;
            case "gemma2":
                fields["attention_bias"] = false;
                fields["attn_logit_softcapping"] = Float(m.Number(m.Key("attn_logit_softcapping")));
                fields["final_logit_softcapping"] = Float(m.Number(m.Key("final_logit_softcapping")));
                fields["sliding_window"] = window ?? 4096;
                fields["hidden_activation"] = "gelu_pytorch_tanh";
                // Not in the file. llama.cpp (src/llama-model.cpp) divides by the head size, but in the 27B model of 46 layers by width / heads.
                fields["query_pre_attn_scalar"] = m.Integer(m.Key("block_count")) == 46
                    ? m.RequiredInteger(m.Key("embedding_length")) / m.RequiredInteger(m.Key("attention.head_count")) : fields["head_dim"]!.DeepClone();
                return;
        }
        fields["hidden_act"] = "silu";
    }
}
