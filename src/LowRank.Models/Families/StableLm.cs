using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>StableLM: LayerNorm, rope on a part of each head, biases on q, k and v where the configuration asks for them.</summary>
internal sealed class StableLm : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "stablelm";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        CommonFields.Refuse(config, "use_parallel_residual");
        CommonFields.Refuse(config, "qk_layernorm");
        return CommonFields.Read(config, defaultRotated: 0.25) with { Norm = NormKind.Layer, NormEpsilon = config.Number("layer_norm_eps") ?? 1e-5, QueryKeyValueBias = config.Flag("use_qkv_bias") ?? false };
    }
}
