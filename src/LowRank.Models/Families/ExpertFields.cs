using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>What configurations say of a mixture of experts.</summary>
internal static class ExpertFields
{
    /// <summary>Reads the experts of a configuration.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="countKey">The key of their number.</param>
    /// <param name="defaultCount">Their number where the key is absent.</param>
    /// <param name="defaultPerToken">Those that a token passes, where <c>num_experts_per_tok</c> is absent.</param>
    /// <param name="intermediateSize">Width inside an expert.</param>
    /// <param name="normalizesWeights">Whether the chosen experts' probabilities are divided by their sum.</param>
    public static ExpertsSpec Read(ModelConfig config, string countKey, int defaultCount, int defaultPerToken, long intermediateSize, bool normalizesWeights)
    {
        var count = checked((int)(config.Integer(countKey) ?? defaultCount));
        var perToken = checked((int)(config.Integer("num_experts_per_tok") ?? defaultPerToken));
        if (count < 1 || perToken < 1 || perToken > count)
            throw new ModelConfigException($"{config.Source}: \"num_experts_per_tok\" is {perToken} of {count} experts (\"{countKey}\"); it must be from 1 to their number.");
        return new ExpertsSpec(count, perToken, intermediateSize, normalizesWeights, config.Number("router_aux_loss_coef") ?? 0.001);
    }
}
