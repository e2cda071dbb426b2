using System.Text.Json.Nodes;
using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>
/// Reads rope from a configuration: <c>rope_parameters</c> of transformers 5, or <c>rope_theta</c> and <c>rope_scaling</c> of 4
/// (whose kind is <c>rope_type</c> or the older <c>type</c>).
/// </summary>
internal static class RopeReader
{
    /// <summary>The rope of a model with heads of <paramref name="size"/> dimensions.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="size">Dimensions of a head.</param>
    /// <param name="defaultTheta">The base where the configuration has none.</param>
    /// <param name="defaultRotated">The share of the dimensions that is rotated where <c>partial_rotary_factor</c> is absent.</param>
    public static RopeSpec Read(ModelConfig config, long size, double defaultTheta = 10000, double defaultRotated = 1)
    {
        var parameters = config.Object("rope_parameters") ?? config.Object("rope_scaling") ?? [];
        var rotated = config.Number(parameters, "partial_rotary_factor") ?? config.Number("partial_rotary_factor") ?? defaultRotated;
        return Read(config, parameters, (long)(size * rotated), config.Number("rope_theta") ?? defaultTheta);
    }

    /// <summary>The rope that one object of a configuration describes.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="parameters">The object: base, kind, factors.</param>
    /// <param name="rotated">Dimensions of a head that are rotated.</param>
    /// <param name="defaultTheta">The base where the object has none.</param>
    public static RopeSpec Read(ModelConfig config, JsonObject parameters, long rotated, double defaultTheta) => rotated is > 0 && rotated % 2 == 0
        ? new RopeSpec(config.Number(parameters, "rope_theta") ?? defaultTheta, rotated, Scaling(config, parameters, rotated))
        : throw new ModelConfigException($"{config.Source}: rope would rotate {rotated} dimensions of a head; they must be an even number of at least 2. See \"partial_rotary_factor\" and \"head_dim\".");

    private static RopeScaling Scaling(ModelConfig config, JsonObject p, long rotated)
    {
        double Need(string key) => config.Number(p, key) ?? throw new ModelConfigException($"{config.Source}: rope scaling lacks \"{key}\".");
        var kind = config.Text(p, "rope_type") ?? config.Text(p, "type") ?? "default";
        var original = (long)(config.Number(p, "original_max_position_embeddings") ?? config.Integer("original_max_position_embeddings") ?? config.Require("max_position_embeddings"));
        if (original < 1) throw new ModelConfigException($"{config.Source}: rope counts from {original} positions; \"original_max_position_embeddings\" (or \"max_position_embeddings\") must be at least 1.");
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
                    config.Flag(p, "truncate") ?? true, config.Number(p, "attention_factor") ?? YarnAttention(config, p, factor));
            case "longrope" or "su":
                return new RopeScaling.LongRope(Factors(config, p, "short_factor", rotated), Factors(config, p, "long_factor", rotated), original, config.Number(p, "attention_factor") ?? LongRopeAttention(config, p, original));
            default:
                throw new ModelConfigException($"{config.Source}: rope scaling \"{kind}\" is not supported. LowRank knows default, linear, llama3, longrope and yarn.");
        }
    }

    private static double YarnAttention(ModelConfig config, JsonObject p, double factor)
    {
        double Scale(double weight) => factor <= 1 ? 1 : 0.1 * weight * Math.Log(factor) + 1;
        var (scale, all) = (config.Number(p, "mscale"), config.Number(p, "mscale_all_dim"));
        return scale is > 0 && all is > 0 ? Scale(scale.Value) / Scale(all.Value) : Scale(1);
    }

    private static double[] Factors(ModelConfig config, JsonObject p, string key, long rotated)
    {
        double[] factors = p[key] is JsonArray list ? [.. list.Select(n => n is JsonValue v && v.TryGetValue<double>(out var f) ? f : throw Wrong())] : throw Wrong();
        return factors.Length == rotated / 2 ? factors : throw Wrong();
        ModelConfigException Wrong() => new($"{config.Source}: longrope needs \"{key}\", a list of {rotated / 2} numbers: one for each frequency.");
    }

    // Where the configuration tells the original context, its ratio to the present one is the factor, whatever "factor" says.
    private static double LongRopeAttention(ModelConfig config, JsonObject p, long original)
    {
        var tellsOriginal = p["original_max_position_embeddings"] is not null || config.Integer("original_max_position_embeddings") is not null;
        var factor = tellsOriginal ? (double)config.Require("max_position_embeddings") / original
            : config.Number(p, "factor") ?? throw new ModelConfigException($"{config.Source}: longrope lacks \"original_max_position_embeddings\" or \"factor\".");
        return factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(original));
    }
}
