using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Qwen 3 with experts: Qwen 3's form, with experts on all layers but those that the configuration leaves dense.</summary>
internal sealed class Qwen3Moe : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "qwen3_moe";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        var biased = config.Flag("attention_bias") ?? false;
        var spec = Qwen2.WithWindows(CommonFields.Read(config) with { QueryKeyNorm = QueryKeyNorm.EachHead, QueryKeyValueBias = biased, AttentionOutputBias = biased }, config);
        // The key is num_local_experts in transformers 5.
        var countKey = config.Integer("num_local_experts") is null ? "num_experts" : "num_local_experts";
        var experts = ExpertFields.Read(config, countKey, defaultCount: 128, defaultPerToken: 8, config.SizeOr("moe_intermediate_size", 768), config.Flag("norm_topk_prob") ?? false);
        var (dense, step) = (config.Ids("mlp_only_layers"), config.SizeOr("decoder_sparse_step", 1));
        return spec with { Experts = experts, ExpertLayers = [.. Enumerable.Range(0, spec.Layers).Select(i => !dense.Contains(i) && (i + 1) % step == 0)] };
    }
}
