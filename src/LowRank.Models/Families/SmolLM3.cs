using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>SmolLM 3: Llama's form without rope on some layers, every fourth where the configuration does not say.</summary>
internal sealed class SmolLM3 : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "smollm3";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        var spec = CommonFields.Read(config, defaultTied: true, defaultTheta: 2_000_000);
        var biased = config.Flag("attention_bias") ?? false;
        var interval = config.SizeOr("no_rope_layer_interval", 4);
        // 1 marks a layer with rope, whatever the key's name says.
        var hasRope = config.Ids("no_rope_layers") is { Count: > 0 } marks ? [.. marks.Select(m => m != 0)] : Enumerable.Range(0, spec.Layers).Select(i => (i + 1) % interval != 0).ToArray();
        if (hasRope.Length != spec.Layers) throw new ModelConfigException($"{config.Source}: \"no_rope_layers\" has {hasRope.Length} entries, \"num_hidden_layers\" is {spec.Layers}.");
        var window = config.Flag("use_sliding_window") == true ? config.Integer("sliding_window") : null;
        return spec with
        {
            QueryKeyValueBias = biased,
            AttentionOutputBias = biased,
            MlpBias = config.Flag("mlp_bias") ?? false,
            Ropes = [.. spec.Ropes.Select((rope, i) => hasRope[i] ? rope : null)],
            Windows = CommonFields.Windows(config, spec.Layers, window, i => window is not null && !hasRope[i]),
        };
    }
}
