using System.Collections.Frozen;

namespace LowRank.Formats;

/// <summary>
/// How llama.cpp's converter (<c>convert_hf_to_gguf.py</c>, <c>gguf-py/gguf/tensor_mapping.py</c>) names and changes the tensors of one
/// architecture, so that the change can be made and undone.
/// </summary>
/// <param name="ModelType">The <c>model_type</c> of the Hugging Face configuration.</param>
/// <param name="ClassName">Its <c>architectures</c> entry.</param>
/// <param name="LayerNames">GGUF name of a tensor within <c>blk.N</c>, without its last part, to the name within <c>model.layers.N</c>.</param>
/// <param name="InterleavedHeads">True where the rows of q and k stand interleaved: rotary pairs side by side instead of in two halves.</param>
/// <param name="NormsPlusOne">True where norm weights are stored one higher than in the Hugging Face file.</param>
/// <param name="IsRead">False where files of this architecture are written, but not read.</param>
internal sealed record GgufArchitecture(string ModelType, string ClassName, FrozenDictionary<string, string> LayerNames, bool InterleavedHeads = false, bool NormsPlusOne = false, bool IsRead = true)
{
    private static readonly (string, string)[] common =
    [
        ("attn_norm", "input_layernorm"), ("attn_q", "self_attn.q_proj"), ("attn_k", "self_attn.k_proj"), ("attn_v", "self_attn.v_proj"), ("attn_output", "self_attn.o_proj"),
        ("ffn_gate", "mlp.gate_proj"), ("ffn_up", "mlp.up_proj"), ("ffn_down", "mlp.down_proj"),
    ];

    private static readonly (string, string) norm = ("ffn_norm", "post_attention_layernorm");

    private static readonly FrozenDictionary<string, GgufArchitecture> known = new Dictionary<string, GgufArchitecture>
    {
        ["llama"] = new("llama", "LlamaForCausalLM", Names(norm), InterleavedHeads: true),
        ["qwen2"] = new("qwen2", "Qwen2ForCausalLM", Names(norm)),
        ["qwen3"] = new("qwen3", "Qwen3ForCausalLM", Names(norm, ("attn_q_norm", "self_attn.q_norm"), ("attn_k_norm", "self_attn.k_norm"))),
        ["gemma2"] = new("gemma2", "Gemma2ForCausalLM", Names(("post_attention_norm", "post_attention_layernorm"), ("ffn_norm", "pre_feedforward_layernorm"),
            ("post_ffw_norm", "post_feedforward_layernorm")), NormsPlusOne: true),
        ["gemma3"] = new("gemma3_text", "Gemma3ForCausalLM", Names(("post_attention_norm", "post_attention_layernorm"), ("ffn_norm", "pre_feedforward_layernorm"),
            ("post_ffw_norm", "post_feedforward_layernorm"), ("attn_q_norm", "self_attn.q_norm"), ("attn_k_norm", "self_attn.k_norm")), NormsPlusOne: true, IsRead: false),
        // q, k and v are one matrix, gate and up another.
        ["phi3"] = new("phi3", "Phi3ForCausalLM", new Dictionary<string, string>
        {
            ["attn_norm"] = "input_layernorm", ["attn_qkv"] = "self_attn.qkv_proj", ["attn_output"] = "self_attn.o_proj",
            ["ffn_norm"] = "post_attention_layernorm", ["ffn_up"] = "mlp.gate_up_proj", ["ffn_down"] = "mlp.down_proj",
        }.ToFrozenDictionary(), IsRead: false),
    }.ToFrozenDictionary();

    private readonly FrozenDictionary<string, string> ggufNames = LayerNames.ToFrozenDictionary(n => n.Value, n => n.Key);

    /// <summary>The architecture that holds models of a <c>model_type</c> with its name in GGUF; null where there is none.</summary>
    public static (string Name, GgufArchitecture Architecture)? For(string modelType)
    {
        // llama.cpp has one architecture for both.
        var wanted = modelType == "mistral" ? "llama" : modelType;
        foreach (var (name, architecture) in known)
            if (architecture.ModelType == wanted) return (name, architecture);
        return null;
    }

    /// <summary>The model types that can be written.</summary>
    public static string WrittenModelTypes => string.Join(", ", known.Values.Select(a => a.ModelType).Append("mistral").Order(StringComparer.Ordinal));

    /// <summary>The GGUF name within <c>blk.N</c> of a Hugging Face module within <c>model.layers.N</c>, or null.</summary>
    public string? NameOf(string module) => ggufNames.GetValueOrDefault(module);

    /// <summary>Finds the architecture of a file.</summary>
    /// <exception cref="GgufException">It is missing or not one of those known here.</exception>
    public static GgufArchitecture Of(GgufMetadata metadata)
    {
        var name = metadata.Architecture;
        if (!known.TryGetValue(name, out var architecture) || !architecture.IsRead)
            throw new GgufException(metadata.Path, $"{metadata.Path}: the architecture '{name}' is not supported; supported are {string.Join(", ", known.Where(k => k.Value.IsRead).Select(k => k.Key).Order(StringComparer.Ordinal))}.", "general.architecture");
        if (metadata.Integer(metadata.Key("expert_count")) > 0)
            throw new GgufException(metadata.Path, $"{metadata.Path}: this is a mixture of experts ({name}.expert_count), which is not supported as a GGUF file.", metadata.Key("expert_count"));
        return architecture;
    }

    private static FrozenDictionary<string, string> Names(params (string, string)[] own) => common.Concat(own).ToFrozenDictionary(p => p.Item1, p => p.Item2);
}
