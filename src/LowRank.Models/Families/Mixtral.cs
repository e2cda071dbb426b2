using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Mixtral: Mistral's form with experts on every layer.</summary>
internal sealed class Mixtral : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "mixtral";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        if (config.Number("router_jitter_noise") is > 0) throw new ModelConfigException($"{config.Source}: \"router_jitter_noise\" is not supported; set it to 0.");
        var spec = CommonFields.Read(config, defaultTheta: 1_000_000);
        var window = config.Integer("sliding_window");
        return spec with
        {
            NormEpsilon = config.Number("rms_norm_eps") ?? 1e-5,
            Windows = CommonFields.Windows(config, spec.Layers, window, _ => window is not null),
            Experts = ExpertFields.Read(config, "num_local_experts", defaultCount: 8, defaultPerToken: 2, spec.IntermediateSize, normalizesWeights: true),
            ExpertLayers = [.. Enumerable.Repeat(true, spec.Layers)],
            Names = new DecoderNames
            {
                Router = "block_sparse_moe.gate", Expert = "block_sparse_moe.experts.{0}", ExpertGate = "w1", ExpertUp = "w3", ExpertDown = "w2",
            },
        };
    }
}
