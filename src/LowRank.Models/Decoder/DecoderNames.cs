namespace LowRank.Models.Decoder;

/// <summary>
/// The dotted names of a decoder's modules in the checkpoint, which are those that adapters target too. The defaults are Llama's; a family
/// states what differs.
/// </summary>
public sealed record DecoderNames
{
    /// <summary>The token table.</summary>
    public string Embedding { get; init; } = "model.embed_tokens";

    /// <summary>Layer <c>{0}</c>.</summary>
    public string Layer { get; init; } = "model.layers.{0}";

    /// <summary>The table of positions, where there is one.</summary>
    public string Positions { get; init; } = "model.embed_positions";

    /// <summary>The last norm.</summary>
    public string FinalNorm { get; init; } = "model.norm";

    /// <summary>The output head.</summary>
    public string Head { get; init; } = "lm_head";

    /// <summary>Query projection, within a layer; so are those below.</summary>
    public string Query { get; init; } = "self_attn.q_proj";

    /// <summary>Key projection.</summary>
    public string Key { get; init; } = "self_attn.k_proj";

    /// <summary>Value projection.</summary>
    public string Value { get; init; } = "self_attn.v_proj";

    /// <summary>Query, key and value projection in one, where the family has it so.</summary>
    public string QueryKeyValue { get; init; } = "self_attn.qkv_proj";

    /// <summary>Output projection of attention.</summary>
    public string AttentionOutput { get; init; } = "self_attn.o_proj";

    /// <summary>Norm of the query heads, where there is one.</summary>
    public string QueryNorm { get; init; } = "self_attn.q_norm";

    /// <summary>Norm of the key heads, where there is one.</summary>
    public string KeyNorm { get; init; } = "self_attn.k_norm";

    /// <summary>Gate projection of the MLP.</summary>
    public string Gate { get; init; } = "mlp.gate_proj";

    /// <summary>Up projection of the MLP.</summary>
    public string Up { get; init; } = "mlp.up_proj";

    /// <summary>Gate and up projection in one, where the family has it so.</summary>
    public string GateUp { get; init; } = "mlp.gate_up_proj";

    /// <summary>Down projection of the MLP.</summary>
    public string Down { get; init; } = "mlp.down_proj";

    /// <summary>Norm before attention.</summary>
    public string NormBeforeAttention { get; init; } = "input_layernorm";

    /// <summary>Norm after attention, where there is one.</summary>
    public string NormAfterAttention { get; init; } = "post_attention_layernorm";

    /// <summary>Norm before the MLP.</summary>
    public string NormBeforeMlp { get; init; } = "post_attention_layernorm";

    /// <summary>Norm after the MLP, where there is one.</summary>
    public string NormAfterMlp { get; init; } = "post_feedforward_layernorm";

    /// <summary>The router of a mixture of experts, within a layer.</summary>
    public string Router { get; init; } = "mlp.gate";

    /// <summary>The module that holds the router's weight in transformers 5, within a layer: adapters over it are named so.</summary>
    public string RouterHolder { get; init; } = "mlp.gate";

    /// <summary>Gate and up matrices of all experts in one parameter, as transformers 5 has them, within a layer.</summary>
    public string ExpertsGateUp { get; init; } = "mlp.experts.gate_up_proj";

    /// <summary>Down matrices of all experts in one parameter, within a layer.</summary>
    public string ExpertsDown { get; init; } = "mlp.experts.down_proj";

    /// <summary>Expert <c>{0}</c>, within a layer.</summary>
    public string Expert { get; init; } = "mlp.experts.{0}";

    /// <summary>Gate projection of an expert, within it; so are those below.</summary>
    public string ExpertGate { get; init; } = "gate_proj";

    /// <summary>Up projection of an expert.</summary>
    public string ExpertUp { get; init; } = "up_proj";

    /// <summary>Down projection of an expert.</summary>
    public string ExpertDown { get; init; } = "down_proj";
}
