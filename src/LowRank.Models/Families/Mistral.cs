using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Mistral: Llama's form with a sliding window on every layer, where the configuration has one.</summary>
internal sealed class Mistral : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "mistral";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        var spec = CommonFields.Read(config);
        var window = config.Integer("sliding_window");
        return spec with { Windows = CommonFields.Windows(config, spec.Layers, window, _ => window is not null) };
    }
}
