using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Granite 3: Llama's form with multipliers of embeddings, scores, blocks and logits.</summary>
internal sealed class Granite : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "granite";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        var biased = config.Flag("attention_bias") ?? false;
        return CommonFields.Read(config) with
        {
            QueryKeyValueBias = biased,
            AttentionOutputBias = biased,
            MlpBias = config.Flag("mlp_bias") ?? false,
            EmbeddingMultiplier = config.Number("embedding_multiplier") ?? 1,
            AttentionScale = config.Number("attention_multiplier") ?? 1,
            ResidualMultiplier = config.Number("residual_multiplier") ?? 1,
            LogitDivisor = config.Number("logits_scaling") ?? 1,
        };
    }
}
