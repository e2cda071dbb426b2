using System.Text.Json.Nodes;

namespace LowRank.Formats;

/// <summary>The keys of a Hugging Face configuration that only some families have, from the metadata of a GGUF file. What llama.cpp has in its code instead is said where it is used.</summary>
internal static class GgufFamilies
{
    /// <summary>Adds the keys of a family whose other keys are Llama's.</summary>
    /// <param name="file">The file.</param>
    /// <param name="m">Its metadata.</param>
    /// <param name="type">The <c>model_type</c>.</param>
    /// <param name="window">The sliding window, or null.</param>
    /// <param name="fields">The configuration; the common keys are there.</param>
    /// <exception cref="GgufException">A key is missing.</exception>
    public static void Add(GgufFile file, GgufMetadata m, string type, long? window, SortedDictionary<string, JsonNode?> fields)
    {
        fields["hidden_act"] = "silu";
        if (type is not ("stablelm" or "starcoder2"))
            fields["rms_norm_eps"] = GgufConfig.Float(m.Number(m.Key("attention.layer_norm_rms_epsilon"))) ?? throw Missing(m, "attention.layer_norm_rms_epsilon");
        var dimensions = m.Integer(m.Key("rope.dimension_count"));
        var (width, heads) = ((long)fields["hidden_size"]!, (long)fields["num_attention_heads"]!);
        var plainHead = width / heads;
        if (plainHead == 0) throw new GgufException(file.Path, $"{file.Path}: metadata key '{m.Key("attention.head_count")}' is {heads}, more heads than the model is wide ('{m.Key("embedding_length")}' is {width}).", m.Key("attention.head_count"));
        var isPartial = type is "stablelm" or "phi3";
        if (!isPartial) fields["head_dim"] = m.Integer(m.Key("attention.key_length")) ?? dimensions ?? plainHead;
        else if (dimensions is { } rotated) fields["partial_rotary_factor"] = GgufConfig.Float((float)rotated / plainHead);
        var hasQueryBias = file.TryGet("blk.0.attn_q.bias", out _);
        switch (type)
        {
            case "llama":
                fields["attention_bias"] = file.TryGet("blk.0.attn_output.bias", out _);
                fields["mlp_bias"] = file.TryGet("blk.0.ffn_gate.bias", out _);
                break;
            case "mistral":
                fields["sliding_window"] = window;
                break;
            case "mixtral":
                fields["sliding_window"] = window;
                fields["num_local_experts"] = m.RequiredInteger(m.Key("expert_count"));
                fields["num_experts_per_tok"] = m.RequiredInteger(m.Key("expert_used_count"));
                break;
            case "qwen2":
                fields["use_sliding_window"] = false;
                break;
            case "qwen3":
                fields["use_sliding_window"] = false;
                fields["attention_bias"] = hasQueryBias;
                break;
            case "qwen3_moe":
                fields["use_sliding_window"] = false;
                fields["attention_bias"] = hasQueryBias;
                AddQwenExperts(file, m, fields);
                break;
            case "granite":
                fields["attention_bias"] = file.TryGet("blk.0.attn_output.bias", out _);
                fields["mlp_bias"] = file.TryGet("blk.0.ffn_gate.bias", out _);
                foreach (var (key, field) in new[] { ("attention.scale", "attention_multiplier"), ("embedding_scale", "embedding_multiplier"), ("residual_scale", "residual_multiplier"), ("logit_scale", "logits_scaling") })
                    fields[field] = GgufConfig.Float(m.Number(m.Key(key)) ?? 1f);
                break;
            case "smollm3":
                // Which layers have no rope is not in the file: every fourth, as in the published model and in llama.cpp.
                fields["attention_bias"] = hasQueryBias;
                fields["mlp_bias"] = false;
                break;
            case "olmo2":
                fields["attention_bias"] = hasQueryBias;
                break;
            case "phi3":
                fields["sliding_window"] = window;
                fields["original_max_position_embeddings"] = m.Integer(m.Key("rope.scaling.original_context_length")) ?? (long)fields["max_position_embeddings"]!;
                break;
            case "stablelm":
                fields["layer_norm_eps"] = LayerNormEpsilon(m);
                fields["use_qkv_bias"] = hasQueryBias;
                fields["use_parallel_residual"] = m.Flag(m.Key("use_parallel_residual")) ?? !file.TryGet("blk.0.ffn_norm.weight", out _);
                break;
            case "starcoder2":
                fields["norm_epsilon"] = LayerNormEpsilon(m);
                fields["use_bias"] = hasQueryBias;
                fields["sliding_window"] = window;
                fields["hidden_act"] = "gelu_pytorch_tanh";
                fields["initializer_range"] = GgufConfig.Float(0.018042f); // the default of its configuration
                break;
            case "gemma" or "gemma2" or "gemma3_text":
                AddGemma(m, type, window, fields, plainHead);
                break;
        }
    }

    /// <summary>Adds the keys of GPT-2, which has names of its own for all sizes.</summary>
    public static void AddGpt2(GgufMetadata m, SortedDictionary<string, JsonNode?> fields)
    {
        fields["n_embd"] = m.RequiredInteger(m.Key("embedding_length"));
        fields["n_head"] = m.RequiredInteger(m.Key("attention.head_count"));
        fields["n_layer"] = m.RequiredInteger(m.Key("block_count"));
        fields["n_positions"] = m.RequiredInteger(m.Key("context_length"));
        fields["n_inner"] = m.RequiredInteger(m.Key("feed_forward_length"));
        fields["layer_norm_epsilon"] = LayerNormEpsilon(m);
        fields["activation_function"] = "gelu_new";
    }

    private static void AddGemma(GgufMetadata m, string type, long? window, SortedDictionary<string, JsonNode?> fields, long plainHead)
    {
        fields.Remove("hidden_act");
        fields["attention_bias"] = false;
        fields["hidden_activation"] = "gelu_pytorch_tanh";
        // Gemma 1 reads the other key.
        if (type == "gemma") fields["hidden_act"] = "gelu_pytorch_tanh";
        if (type == "gemma") return;
        fields["attn_logit_softcapping"] = GgufConfig.Float(m.Number(m.Key("attn_logit_softcapping")));
        fields["final_logit_softcapping"] = GgufConfig.Float(m.Number(m.Key("final_logit_softcapping")));
        fields["sliding_window"] = window ?? 4096;
        // Not in the file. llama.cpp (src/llama-model.cpp) divides by the head size, but in the 27B models, of 46 layers (2) and 62 (3), by width / heads.
        fields["query_pre_attn_scalar"] = m.Integer(m.Key("block_count")) == (type == "gemma2" ? 46 : 62) ? plainHead : fields["head_dim"]!.DeepClone();
        if (type != "gemma3_text") return;
        fields["rope_theta"] = GgufConfig.Float(m.Number(m.Key("rope.freq_base")) ?? 1_000_000f);
        fields["rope_local_base_freq"] = GgufConfig.Float(m.Number(m.Key("rope.freq_base_swa")) ?? 10_000f);
        fields["sliding_window_pattern"] = m.Integer(m.Key("attention.sliding_window_pattern")) ?? 6;
    }

    private static void AddQwenExperts(GgufFile file, GgufMetadata m, SortedDictionary<string, JsonNode?> fields)
    {
        fields["num_experts"] = m.RequiredInteger(m.Key("expert_count"));
        fields["num_experts_per_tok"] = m.RequiredInteger(m.Key("expert_used_count"));
        fields["moe_intermediate_size"] = m.RequiredInteger(m.Key("expert_feed_forward_length"));
        // Not in the file; llama.cpp always does so.
        fields["norm_topk_prob"] = true;
        fields["decoder_sparse_step"] = 1;
        var layers = (int)(long)fields["num_hidden_layers"]!;
        fields["mlp_only_layers"] = new JsonArray([.. Enumerable.Range(0, layers).Where(i => !file.TryGet(FormattableString.Invariant($"blk.{i}.ffn_gate_exps.weight"), out _)).Select(i => (JsonNode)i)]);
    }

    private static JsonNode LayerNormEpsilon(GgufMetadata m) => GgufConfig.Float(m.Number(m.Key("attention.layer_norm_epsilon"))) ?? throw Missing(m, "attention.layer_norm_epsilon");

    private static GgufException Missing(GgufMetadata m, string key) => new(m.Path, $"{m.Path}: metadata key '{m.Key(key)}' is missing.", m.Key(key));
}
