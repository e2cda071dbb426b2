using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Phi-3 and Phi-4-mini: q, k and v in one projection, gate and up in another, and rope factors that depend on the length of the sequence (longrope).</summary>
internal sealed class Phi3 : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "phi3";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        var spec = CommonFields.Read(config);
        var window = config.Integer("sliding_window");
        return spec with { FusedQueryKeyValue = true, FusedGateUp = true, NormEpsilon = config.Number("rms_norm_eps") ?? 1e-5, Windows = CommonFields.Windows(config, spec.Layers, window, _ => window is not null) };
    }
}
