using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Llama 1 to 3.x and the many models of its form (SmolLM2, TinyLlama).</summary>
internal sealed class Llama : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "llama";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        var biased = config.Flag("attention_bias") ?? false;
        return CommonFields.Read(config) with { QueryKeyValueBias = biased, AttentionOutputBias = biased, MlpBias = config.Flag("mlp_bias") ?? false };
    }
}
