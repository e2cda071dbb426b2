using System.Collections.Frozen;

namespace LowRank.Formats;

/// <summary>
/// How llama.cpp's converter (<c>convert_hf_to_gguf.py</c>, <c>gguf-py/gguf/tensor_mapping.py</c>) names and changes the tensors of one
/// architecture, so that the change can be made and undone.
/// </summary>
/// <param name="ModelType">The <c>model_type</c> of the Hugging Face configuration.</param>
/// <param name="ClassName">Its <c>architectures</c> entry.</param>
/// <param name="LayerNames">GGUF name of a tensor within <c>blk.N</c>, without its last part, to the name within the layer.</param>
internal sealed record GgufArchitecture(string ModelType, string ClassName, FrozenDictionary<string, string> LayerNames)
{
    private static readonly (string, string)[] attention = [("attn_q", "self_attn.q_proj"), ("attn_k", "self_attn.k_proj"), ("attn_v", "self_attn.v_proj"), ("attn_output", "self_attn.o_proj")];

    private static readonly (string, string)[] gatedMlp = [("ffn_gate", "mlp.gate_proj"), ("ffn_up", "mlp.up_proj"), ("ffn_down", "mlp.down_proj")];

    private static readonly (string, string)[] normsBefore = [("attn_norm", "input_layernorm"), ("ffn_norm", "post_attention_layernorm")];

    private static readonly (string, string)[] normsAfter = [("post_attention_norm", "post_attention_layernorm"), ("post_ffw_norm", "post_feedforward_layernorm")];

    private static readonly (string, string)[] normsOfGemma = [("attn_norm", "input_layernorm"), ("ffn_norm", "pre_feedforward_layernorm"), .. normsAfter];

    private static readonly (string, string)[] queryKeyNorms = [("attn_q_norm", "self_attn.q_norm"), ("attn_k_norm", "self_attn.k_norm")];

    // The tensors of all experts of a layer are one; {0} is the expert's number.
    private static readonly (string, string)[] expertsOfMixtral =
    [
        ("ffn_gate_inp", "block_sparse_moe.gate"), ("ffn_gate_exps", "block_sparse_moe.experts.{0}.w1"), ("ffn_up_exps", "block_sparse_moe.experts.{0}.w3"), ("ffn_down_exps", "block_sparse_moe.experts.{0}.w2"),
    ];

    private static readonly (string, string)[] expertsOfQwen =
    [
        ("ffn_gate_inp", "mlp.gate"), ("ffn_gate_exps", "mlp.experts.{0}.gate_proj"), ("ffn_up_exps", "mlp.experts.{0}.up_proj"), ("ffn_down_exps", "mlp.experts.{0}.down_proj"),
    ];

    private static readonly FrozenDictionary<string, GgufArchitecture> known = new Dictionary<string, GgufArchitecture>
    {
        ["llama"] = new("llama", "LlamaForCausalLM", Names(attention, gatedMlp, normsBefore)) { IsWritten = true, InterleavedHeads = true },
        ["qwen2"] = new("qwen2", "Qwen2ForCausalLM", Names(attention, gatedMlp, normsBefore)) { IsWritten = true },
        ["qwen3"] = new("qwen3", "Qwen3ForCausalLM", Names(attention, gatedMlp, normsBefore, queryKeyNorms)) { IsWritten = true },
        ["qwen3moe"] = new("qwen3_moe", "Qwen3MoeForCausalLM", Names(attention, gatedMlp, normsBefore, queryKeyNorms, expertsOfQwen)),
        ["gemma"] = new("gemma", "GemmaForCausalLM", Names(attention, gatedMlp, normsBefore)) { NormsPlusOne = true },
        ["gemma2"] = new("gemma2", "Gemma2ForCausalLM", Names(attention, gatedMlp, normsOfGemma)) { IsWritten = true, NormsPlusOne = true },
        ["gemma3"] = new("gemma3_text", "Gemma3ForCausalLM", Names(attention, gatedMlp, normsOfGemma, queryKeyNorms)) { IsWritten = true, NormsPlusOne = true },
        ["granite"] = new("granite", "GraniteForCausalLM", Names(attention, gatedMlp, normsBefore)) { InterleavedHeads = true },
        ["smollm3"] = new("smollm3", "SmolLM3ForCausalLM", Names(attention, gatedMlp, normsBefore)) { InterleavedHeads = true },
        ["olmo2"] = new("olmo2", "Olmo2ForCausalLM", Names(attention, gatedMlp, normsAfter, queryKeyNorms)),
        ["stablelm"] = new("stablelm", "StableLmForCausalLM", Names(attention, gatedMlp, normsBefore)),
        ["starcoder2"] = new("starcoder2", "Starcoder2ForCausalLM", Names(attention, normsBefore, [("ffn_up", "mlp.c_fc"), ("ffn_down", "mlp.c_proj")])),
        ["phi3"] = new("phi3", "Phi3ForCausalLM", Names(normsBefore,
            [("attn_qkv", "self_attn.qkv_proj"), ("attn_output", "self_attn.o_proj"), ("ffn_up", "mlp.gate_up_proj"), ("ffn_down", "mlp.down_proj")]))
        { IsWritten = true },
        ["gpt2"] = new("gpt2", "GPT2LMHeadModel", Names(
            [("attn_norm", "ln_1"), ("attn_qkv", "attn.c_attn"), ("attn_output", "attn.c_proj"), ("ffn_norm", "ln_2"), ("ffn_up", "mlp.c_fc"), ("ffn_down", "mlp.c_proj")]))
        {
            Embedding = "transformer.wte", Positions = "transformer.wpe", FinalNorm = "transformer.ln_f", Layers = "transformer.h", IsTransposed = true,
        },
    }.ToFrozenDictionary();

    // llama.cpp has one architecture for both.
    private static readonly GgufArchitecture mixtral = new("mixtral", "MixtralForCausalLM", Names(attention, normsBefore, expertsOfMixtral)) { InterleavedHeads = true };

    /// <summary>True where the rows of q and k stand interleaved: rotary pairs side by side instead of in two halves.</summary>
    public bool InterleavedHeads { get; private init; }

    /// <summary>True where norm weights are stored one higher than in the Hugging Face file.</summary>
    public bool NormsPlusOne { get; private init; }

    /// <summary>True where the matrices of the layers stand as [in, out] in the Hugging Face file.</summary>
    public bool IsTransposed { get; private init; }

    /// <summary>Name of the token embedding.</summary>
    public string Embedding { get; private init; } = "model.embed_tokens";

    /// <summary>Name of the table of positions, or null.</summary>
    public string? Positions { get; private init; }

    /// <summary>Name of the last norm.</summary>
    public string FinalNorm { get; private init; } = "model.norm";

    /// <summary>What the names of layers begin with.</summary>
    public string Layers { get; private init; } = "model.layers";

    private readonly FrozenDictionary<string, string> ggufNames = LayerNames.ToFrozenDictionary(n => n.Value, n => n.Key);

    /// <summary>True where files of this architecture are written too.</summary>
    public bool IsWritten { get; private init; }

    /// <summary>The architecture in which models of a <c>model_type</c> are written, with its name in GGUF; null where there is none.</summary>
    public static (string Name, GgufArchitecture Architecture)? For(string modelType)
    {
        // llama.cpp has one architecture for both.
        var wanted = modelType == "mistral" ? "llama" : modelType;
        foreach (var (name, architecture) in known)
            if (architecture.IsWritten && architecture.ModelType == wanted) return (name, architecture);
        return null;
    }

    /// <summary>The model types that can be written.</summary>
    public static string WrittenModelTypes => string.Join(", ", known.Values.Where(a => a.IsWritten).Select(a => a.ModelType).Append("mistral").Order(StringComparer.Ordinal));

    /// <summary>The GGUF name within <c>blk.N</c> of a Hugging Face module within a layer, or null.</summary>
    public string? NameOf(string module) => ggufNames.GetValueOrDefault(module);

    /// <summary>Finds the architecture of a file.</summary>
    /// <exception cref="GgufException">It is missing or not one of those known here.</exception>
    public static GgufArchitecture Of(GgufMetadata metadata)
    {
        var name = metadata.Architecture;
        if (!known.TryGetValue(name, out var architecture))
            throw new GgufException(metadata.Path, $"{metadata.Path}: the architecture '{name}' is not supported; supported are {string.Join(", ", known.Keys.Order(StringComparer.Ordinal))}.", "general.architecture");
        if (metadata.Integer(metadata.Key("expert_count")) is null or 0) return architecture;
        return name switch
        {
            "llama" => mixtral,
            "qwen3moe" => architecture,
            _ => throw new GgufException(metadata.Path, $"{metadata.Path}: this is a mixture of experts ({name}.expert_count), which is supported for llama and qwen3moe alone.", metadata.Key("expert_count")),
        };
    }

    private static FrozenDictionary<string, string> Names(params (string, string)[][] parts) => parts.SelectMany(p => p).ToFrozenDictionary(p => p.Item1, p => p.Item2);
}
