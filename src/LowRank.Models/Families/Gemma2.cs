using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Gemma 2: norms before and after both blocks with 1 + weight, capped scores and logits, scaled embeddings, a window on every other layer.</summary>
internal sealed class Gemma2 : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "gemma2";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        var spec = CommonFields.Read(config, defaultHeadSize: 256, defaultTied: true);
        var biased = config.Flag("attention_bias") ?? false;
        return spec with
        {
            NormUnitOffset = true,
            NormPlacement = NormPlacement.BeforeAndAfter,
            QueryKeyValueBias = biased,
            AttentionOutputBias = biased,
            AttentionScale = 1 / Math.Sqrt(config.Number("query_pre_attn_scalar") ?? 256),
            AttentionSoftCap = config.Number("attn_logit_softcapping"),
            LogitSoftCap = config.Number("final_logit_softcapping"),
            EmbeddingMultiplier = Math.Sqrt(spec.HiddenSize),
            Windows = CommonFields.Windows(config, spec.Layers, config.Integer("sliding_window") ?? 4096, i => i % 2 == 0),
            Names = new DecoderNames { NormBeforeMlp = "pre_feedforward_layernorm" },
        };
    }
}
