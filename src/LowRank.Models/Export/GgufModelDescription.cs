using LowRank.Formats;
using LowRank.Models.Families;

namespace LowRank.Models.Export;

/// <summary>
/// What the metadata says about a model's network, and the tensors that are made from its configuration, as llama.cpp's converter writes them
/// (<c>convert_hf_to_gguf.py</c>, <c>set_gguf_parameters</c> and <c>generate_extra_tensors</c> of each model class), keys in the same order. What GGUF has no
/// place for, or llama.cpp would compute otherwise, is refused.
/// </summary>
internal sealed class GgufModelDescription
{
    private readonly ModelConfig config;
    private readonly GgufMetadataBuilder metadata;
    private readonly GgufFileType fileType;
    private readonly GgufRope rope;
    private readonly List<(string Name, float[] Values)> made = [];
    private readonly List<string> warnings = [];

    private GgufModelDescription(ModelConfig config, GgufMetadataBuilder metadata, GgufFileType fileType)
    {
        (this.config, this.metadata, this.fileType) = (config, metadata, fileType);
        rope = new GgufRope(config);
        Heads = config.Require("num_attention_heads");
        ValueHeads = config.Integer("num_key_value_heads") ?? Heads;
        Layers = config.Require("num_hidden_layers");
        Hidden = config.Require("hidden_size");
    }

    /// <summary>Query heads.</summary>
    public long Heads { get; }

    /// <summary>Key and value heads.</summary>
    public long ValueHeads { get; }

    /// <summary>Layers.</summary>
    public long Layers { get; }

    private long Hidden { get; }

    /// <summary>Tensors that stand in the file, but in no checkpoint.</summary>
    public IReadOnlyList<(string Name, float[] Values)> MadeTensors => made;

    /// <summary>What llama.cpp does not do as the model was trained.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>Reads a configuration and adds what it means.</summary>
    /// <exception cref="ModelConfigException">A field is missing, or asks for something that GGUF cannot hold.</exception>
    public static GgufModelDescription Add(ModelConfig config, GgufMetadataBuilder metadata, GgufFileType fileType)
    {
        var description = new GgufModelDescription(config, metadata, fileType);
        description.RequireActivation();
        switch (config.ModelType)
        {
            case "llama" or "mistral": description.Llama(); break;
            case "qwen2": description.Qwen(config.Integer("head_dim")); break;
            case "qwen3": description.Qwen(config.Integer("head_dim") ?? 128); break;
            case "gemma2": description.Gemma2(); break;
            case "gemma3_text": description.Gemma3(); break;
            default: description.Phi3(); break;
        }
        return description;
    }

    // TextModel.set_gguf_parameters.
    private void Common(long? headSize, double theta = 10000)
    {
        metadata.Count("block_count", Layers);
        metadata.Count("context_length", config.Require("max_position_embeddings"));
        metadata.Count("embedding_length", Hidden);
        metadata.Count("feed_forward_length", config.Require("intermediate_size"));
        metadata.Count("attention.head_count", Heads);
        metadata.Count("attention.head_count_kv", ValueHeads);
        Scaling();
        metadata.Number("rope.freq_base", rope.Theta ?? theta);
        if (rope.LocalTheta is { } local) metadata.Number("rope.freq_base_swa", local);
        Epsilon();
        HeadSize(headSize);
        FileType();
    }

    private void Scaling()
    {
        switch (rope.Type)
        {
            case null: break;
            case "linear":
                metadata.Set($"{metadata.Architecture}.rope.scaling.type", "linear");
                metadata.Number("rope.scaling.factor", rope.Require("factor"));
                break;
            case "yarn":
                metadata.Set($"{metadata.Architecture}.rope.scaling.type", "yarn");
                metadata.Number("rope.scaling.factor", rope.Require("factor"));
                metadata.Count("rope.scaling.original_context_length", (long)(rope.Number("original_max_position_embeddings") ?? config.Require("max_position_embeddings")));
                foreach (var (key, name) in new[] { ("yarn_ext_factor", "extrapolation_factor"), ("yarn_attn_factor", "attention_factor"), ("yarn_beta_fast", "beta_fast"), ("yarn_beta_slow", "beta_slow") })
                    if (rope.Number(name) is { } value) metadata.Number($"rope.scaling.{key}", value);
                break;
            case "llama3" when metadata.Architecture == "llama": break; // a tensor of divisors
            default: throw Refused($"the rope scaling \"{rope.Type}\" has no form in a GGUF file of the architecture {metadata.Architecture}");
        }
    }

    private void Llama()
    {
        var headSize = config.Integer("head_dim") ?? Hidden / Heads;
        Common(headSize);
        metadata.Count("vocab_size", config.Require("vocab_size"));
        metadata.Count("rope.dimension_count", headSize);
        if (rope.Type == "llama3") made.Add((GgufNames.RopeFactors, rope.Llama3Divisors(headSize)));
        if (config.ModelType != "mistral" || config.Integer("sliding_window") is not (> 0 and var window)) return;
        // Not written by llama.cpp, which does not read it either; LowRank does.
        metadata.Count("attention.sliding_window", window);
        WarnOfWindow(window);
    }

    private void Qwen(long? headSize)
    {
        Common(headSize);
        if (config.Flag("use_sliding_window") == true)
            WarnOfWindow(config.Integer("sliding_window"));
    }

    private void Gemma2()
    {
        if (rope.Type is not null) throw Refused($"the rope scaling \"{rope.Type}\" has no form in a GGUF file of the architecture gemma2");
        var headSize = config.Integer("head_dim") ?? 256;
        RequireScale(headSize, hiddenPerHeadAt: 46);
        metadata.Count("context_length", config.Require("max_position_embeddings"));
        metadata.Count("embedding_length", Hidden);
        metadata.Count("block_count", Layers);
        metadata.Count("feed_forward_length", config.Require("intermediate_size"));
        metadata.Count("attention.head_count", Heads);
        metadata.Count("attention.head_count_kv", ValueHeads);
        Epsilon();
        HeadSize(headSize);
        FileType();
        metadata.Number("attn_logit_softcapping", config.Number("attn_logit_softcapping") ?? throw Refused("there is no attn_logit_softcapping, which a GGUF file of the architecture gemma2 needs"));
        metadata.Number("final_logit_softcapping", config.Number("final_logit_softcapping") ?? throw Refused("there is no final_logit_softcapping, which a GGUF file of the architecture gemma2 needs"));
        metadata.Count("attention.sliding_window", config.Require("sliding_window"));
        if (rope.Theta is { } theta and not 10000) metadata.Number("rope.freq_base", theta);
    }

    private void Gemma3()
    {
        var headSize = config.Integer("head_dim") ?? 256;
        RequireScale(headSize, hiddenPerHeadAt: 62);
        if (config.Number("attn_logit_softcapping") is not null) throw Refused("attn_logit_softcapping has no place in a GGUF file of the architecture gemma3");
        Common(headSize, theta: 1_000_000);
        if (config.Number("final_logit_softcapping") is { } cap) metadata.Number("final_logit_softcapping", cap);
        var pattern = config.Integer("sliding_window_pattern") ?? config.Integer("_sliding_window_pattern") ?? 6;
        if (pattern != 1) metadata.Count("attention.sliding_window", config.Require("sliding_window"));
        // llama.cpp takes every sixth layer as one without a window where nothing is said.
        if (pattern is not (1 or 6)) metadata.Count("attention.sliding_window_pattern", pattern);
    }

    private void Phi3()
    {
        var original = (long)(rope.Number("original_max_position_embeddings") ?? config.Integer("original_max_position_embeddings") ?? 4096);
        var context = config.Require("max_position_embeddings");
        var dimensions = (long)((rope.Number("partial_rotary_factor") ?? config.Number("partial_rotary_factor") ?? 1) * Hidden) / Heads;
        metadata.Count("context_length", context);
        metadata.Count("rope.scaling.original_context_length", original);
        metadata.Count("embedding_length", Hidden);
        metadata.Count("feed_forward_length", config.Require("intermediate_size"));
        metadata.Count("block_count", Layers);
        metadata.Count("attention.head_count", Heads);
        metadata.Count("attention.head_count_kv", ValueHeads);
        Epsilon();
        metadata.Count("rope.dimension_count", dimensions);
        metadata.Number("rope.freq_base", rope.Theta ?? 10000);
        FileType();
        // 0 tells Phi-4 from Phi-3.
        var window = config.Integer("sliding_window") ?? 0;
        metadata.Count("attention.sliding_window", window);
        if (window > 0 && window < context) WarnOfWindow(window);
        if (rope.Type is null) return;
        if (rope.Type is not "longrope") throw Refused($"the rope scaling \"{rope.Type}\" has no form in a GGUF file of the architecture phi3");
        var (longer, shorter) = (rope.Factors("long_factor"), rope.Factors("short_factor"));
        if (longer?.Length != dimensions / 2 || shorter?.Length != dimensions / 2)
            throw Refused($"long_factor and short_factor of the rope scaling have to be {dimensions / 2} numbers each, one for a frequency; they are {longer?.Length ?? 0} and {shorter?.Length ?? 0}");
        var scale = (double)context / original;
        metadata.Number("rope.scaling.attn_factor", scale > 1 ? Math.Sqrt(1 + Math.Log(scale) / Math.Log(original)) : 1);
        made.Add(("rope_factors_long.weight", longer));
        made.Add(("rope_factors_short.weight", shorter));
    }

    private void WarnOfWindow(long? tokens) =>
        warnings.Add($"the model was trained with a sliding window of {tokens} tokens, which llama.cpp does not apply to the architecture {metadata.Architecture}, so longer texts are seen whole there");

    private void Epsilon() => metadata.Number("attention.layer_norm_rms_epsilon", config.Number("rms_norm_eps") ?? 1e-6);

    private void HeadSize(long? size)
    {
        if (size is null) return;
        metadata.Count("attention.key_length", size.Value);
        metadata.Count("attention.value_length", size.Value);
    }

    private void FileType() => metadata.Set("general.file_type", (uint)fileType);

    private void RequireActivation()
    {
        var gemma = config.ModelType is "gemma2" or "gemma3_text";
        var (known, given) = gemma ? ("gelu_pytorch_tanh", config.Text("hidden_activation") ?? config.Text("hidden_act")) : ("silu", config.Text("hidden_act"));
        if (given is not null && given != known) throw Refused($"the activation \"{given}\" has no place in GGUF, whose architecture {metadata.Architecture} has {known}");
    }

    // llama.cpp, src/llama-model.cpp: attention is scaled by the head size, in the 27B models by width / heads.
    private void RequireScale(long headSize, int hiddenPerHeadAt)
    {
        var taken = Layers == hiddenPerHeadAt ? Hidden / Heads : headSize;
        if (config.Number("query_pre_attn_scalar") is { } scalar && scalar != taken)
            throw Refused($"query_pre_attn_scalar is {scalar}, which has no place in GGUF: llama.cpp takes {taken} for a model of this size, so the file would compute something else");
    }

    private ModelConfigException Refused(string why) => new($"{config.Source}: {why}.");
}
