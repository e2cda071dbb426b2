using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Qwen 3 (dense): a norm on each query and key head, and a head size of its own.</summary>
internal sealed class Qwen3 : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "qwen3";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        var biased = config.Flag("attention_bias") ?? false;
        return Qwen2.WithWindows(CommonFields.Read(config, defaultHeadSize: 128) with { QueryKeyNorm = QueryKeyNorm.EachHead, QueryKeyValueBias = biased, AttentionOutputBias = biased }, config);
    }
}
