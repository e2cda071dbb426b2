using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Qwen 2 and 2.5: biases on q, k and v; a window on the upper layers only with <c>use_sliding_window</c>.</summary>
internal sealed class Qwen2 : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "qwen2";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config) => WithWindows(CommonFields.Read(config) with { QueryKeyValueBias = true }, config);

    /// <summary>The rule for windows that Qwen 2 and 3 share.</summary>
    internal static DecoderSpec WithWindows(DecoderSpec spec, ModelConfig config)
    {
        var window = config.Flag("use_sliding_window") == true ? config.Integer("sliding_window") : null;
        var firstSliding = config.Integer("max_window_layers") ?? 28;
        return spec with { Windows = CommonFields.Windows(config, spec.Layers, window, i => window is not null && i >= firstSliding) };
    }
}
