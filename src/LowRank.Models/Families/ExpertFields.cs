using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>What configurations say of a mixture of experts.</summary>
internal static class ExpertFields
{
    /// <summary>The most experts of all layers together that are believed; the largest models have some 25,000.</summary>
    private const long MostExperts = 100_000;

    /// <summary>Reads the experts of a configuration.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="countKey">The key of their number.</param>
    /// <param name="defaultCount">Their number where the key is absent.</param>
    /// <param name="defaultPerToken">Those that a token passes, where <c>num_experts_per_tok</c> is absent.</param>
    /// <param name="intermediateSize">Width inside an expert.</param>
    /// <param name="normalizesWeights">Whether the chosen experts' probabilities are divided by their sum.</param>
    public static ExpertsSpec Read(ModelConfig config, string countKey, int defaultCount, int defaultPerToken, long intermediateSize, bool normalizesWeights)
    {
        var layers = config.Size("num_hidden_layers", CommonFields.MostLayers);
        var count = (int)config.SizeOr(countKey, defaultCount, MostExperts / layers);
        var perToken = (int)config.SizeOr("num_experts_per_tok", defaultPerToken);
        if (perToken > count)
            throw new ModelConfigException($"{config.Source}: \"num_experts_per_tok\" is {perToken} of {count} experts (\"{countKey}\"); it must be from 1 to their number.");
        return new ExpertsSpec(count, perToken, intermediateSize, normalizesWeights, config.Number("router_aux_loss_coef") ?? 0.001);
    }
}
