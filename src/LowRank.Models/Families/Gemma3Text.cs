using System.Text.Json.Nodes;
using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>Gemma 3, its text model: Gemma 2's norms, norms of query and key heads, and a rope of its own for the layers with a window.</summary>
internal sealed class Gemma3Text : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "gemma3_text";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        CommonFields.Refuse(config, "use_bidirectional_attention");
        var spec = CommonFields.Read(config, defaultHeadSize: 256, defaultTied: true, defaultTheta: 1_000_000);
        var biased = config.Flag("attention_bias") ?? false;
        var pattern = config.SizeOr("sliding_window_pattern", config.SizeOr("_sliding_window_pattern", 6));
        var windows = CommonFields.Windows(config, spec.Layers, config.Integer("sliding_window") ?? 4096, i => (i + 1) % pattern != 0);
        var (full, sliding) = Ropes(config, spec.HeadSize);
        return spec with
        {
            NormUnitOffset = true,
            NormPlacement = NormPlacement.BeforeAndAfter,
            QueryKeyNorm = QueryKeyNorm.EachHead,
            QueryKeyValueBias = biased,
            AttentionOutputBias = biased,
            AttentionScale = 1 / Math.Sqrt(config.Number("query_pre_attn_scalar") ?? 256),
            AttentionSoftCap = config.Number("attn_logit_softcapping"),
            LogitSoftCap = config.Number("final_logit_softcapping"),
            EmbeddingMultiplier = Math.Sqrt(spec.HiddenSize),
            Windows = windows,
            Ropes = [.. windows.Select(window => window is null ? full : sliding)],
            Names = new DecoderNames { NormBeforeMlp = "pre_feedforward_layernorm" },
        };
    }

    // transformers 5 has one object for each type of layer; in 4 the window's layers have a base alone, and scaling is that of the others.
    private static (RopeSpec Full, RopeSpec Sliding) Ropes(ModelConfig config, long size)
    {
        var parameters = config.Object("rope_parameters");
        if (parameters?["full_attention"] is JsonObject full && parameters["sliding_attention"] is JsonObject sliding)
            return (RopeReader.Read(config, full, size, 1_000_000), RopeReader.Read(config, sliding, size, 10_000));
        return (RopeReader.Read(config, size, 1_000_000), new RopeSpec(config.Number("rope_local_base_freq") ?? 10_000, size, new RopeScaling.Default()));
    }
}
