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
            ["tie_word_embeddings"] = !file.TryGet(GgufNames.Output, out _),
            ["torch_dtype"] = "bfloat16",
            ["initializer_range"] = Float(0.02f),
            ["use_cache"] = true,
        };
        AddTokens(m, fields);
        if (type == "gpt2") GgufFamilies.AddGpt2(m, fields);
        else
        {
            fields["hidden_size"] = hidden;
            fields["intermediate_size"] = m.RequiredInteger(m.Key("feed_forward_length"));
            fields["num_hidden_layers"] = m.RequiredInteger(m.Key("block_count"));
            fields["num_attention_heads"] = heads;
            fields["num_key_value_heads"] = m.Integer(m.Key("attention.head_count_kv")) ?? heads;
            fields["max_position_embeddings"] = m.RequiredInteger(m.Key("context_length"));
            fields["rope_theta"] = Float(m.Number(m.Key("rope.freq_base")) ?? 10000f);
            fields["rope_scaling"] = GgufRopeScaling.Of(file, m);
            fields["attention_dropout"] = Float(0);
            GgufFamilies.Add(file, m, type, window, fields);
        }
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
}
