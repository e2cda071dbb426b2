using System.Text.Json.Nodes;
using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>
/// Reads rope from a configuration: <c>rope_parameters</c> of transformers 5, or <c>rope_theta</c> and <c>rope_scaling</c> of 4
/// (whose kind is <c>rope_type</c> or the older <c>type</c>).
/// </summary>
internal static class RopeReader
{
    /// <summary>The rope of a model whose heads rotate <paramref name="size"/> dimensions.</summary>
    public static RopeSpec Read(ModelConfig config, long size, double defaultTheta = 10000)
    {
        var parameters = config.Object("rope_parameters") ?? config.Object("rope_scaling") ?? [];
        var theta = config.Number(parameters, "rope_theta") ?? config.Number("rope_theta") ?? defaultTheta;
        return new RopeSpec(theta, size, Scaling(config, parameters));
    }

    private static RopeScaling Scaling(ModelConfig config, JsonObject p)
    {
        double Need(string key) => config.Number(p, key) ?? throw new ModelConfigException($"{config.Source}: rope scaling lacks \"{key}\".");
        var kind = (p["rope_type"] ?? p["type"])?.GetValue<string>() ?? "default";
        var original = (long)(config.Number(p, "original_max_position_embeddings") ?? config.Integer("original_max_position_embeddings") ?? config.Require("max_position_embeddings"));
        switch (kind)
        {
            case "default":
                return new RopeScaling.Default();
            case "linear":
                return new RopeScaling.Linear(Need("factor"));
            case "llama3":
                return new RopeScaling.Llama3(Need("factor"), Need("low_freq_factor"), Need("high_freq_factor"), original);
            case "yarn":
                var factor = Need("factor");
                return new RopeScaling.Yarn(factor, original, config.Number(p, "beta_fast") ?? 32, config.Number(p, "beta_slow") ?? 1,
                    p["truncate"]?.GetValue<bool>() ?? true, config.Number(p, "attention_factor") ?? YarnAttention(config, p, factor));
            default:
                throw new ModelConfigException($"{config.Source}: rope scaling \"{kind}\" is not supported. LowRank knows default, linear, llama3 and yarn.");
        }
    }

    private static double YarnAttention(ModelConfig config, JsonObject p, double factor)
    {
        double Scale(double weight) => factor <= 1 ? 1 : 0.1 * weight * Math.Log(factor) + 1;
        var (scale, all) = (config.Number(p, "mscale"), config.Number(p, "mscale_all_dim"));
        return scale is > 0 && all is > 0 ? Scale(scale.Value) / Scale(all.Value) : Scale(1);
    }
}
