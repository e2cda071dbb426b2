using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Gemma 1: norms with 1 + weight, scaled embeddings, the tanh form of gelu, a head size of its own.</summary>
internal sealed class Gemma : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "gemma";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        CommonFields.Refuse(config, "use_bidirectional_attention");
        var spec = CommonFields.Read(config, defaultHeadSize: 256, defaultTied: true);
        var biased = config.Flag("attention_bias") ?? false;
        return spec with { NormUnitOffset = true, QueryKeyValueBias = biased, AttentionOutputBias = biased, EmbeddingMultiplier = Math.Sqrt(spec.HiddenSize) };
    }
}
