using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>OLMo 2: norms after both blocks instead of before them, and one over all query heads and one over all key heads.</summary>
internal sealed class Olmo2 : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "olmo2";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        var biased = config.Flag("attention_bias") ?? false;
        return CommonFields.Read(config) with { NormPlacement = NormPlacement.After, QueryKeyNorm = QueryKeyNorm.AllHeads, QueryKeyValueBias = biased, AttentionOutputBias = biased };
    }
}
