using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>StarCoder 2: LayerNorm, biases everywhere, an MLP without a gate, a sliding window on every layer where there is one.</summary>
internal sealed class Starcoder2 : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "starcoder2";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        var spec = CommonFields.Read(config, defaultTied: true);
        var biased = config.Flag("use_bias") ?? true;
        var window = config.Integer("sliding_window");
        return spec with
        {
            Norm = NormKind.Layer,
            NormEpsilon = config.Number("norm_epsilon") ?? 1e-5,
            QueryKeyValueBias = biased,
            AttentionOutputBias = biased,
            MlpBias = biased,
            GatedMlp = false,
            Activation = config.Text("hidden_act") is null ? Activation.GeluTanh : spec.Activation,
            Windows = CommonFields.Windows(config, spec.Layers, window, _ => window is not null),
            Names = new DecoderNames { Up = "mlp.c_fc", Down = "mlp.c_proj" },
        };
    }
}
