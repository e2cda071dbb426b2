namespace LowRank.Models.Decoder;

/// <summary>A mixture of experts in place of an MLP: a router chooses for each token the experts that it passes (arXiv:2101.03961, arXiv:2401.04088).</summary>
/// <param name="Count">Experts of a layer.</param>
/// <param name="PerToken">Experts that a token passes.</param>
/// <param name="IntermediateSize">Width inside one expert.</param>
/// <param name="NormalizesWeights">Whether the chosen experts' probabilities are divided by their sum.</param>
/// <param name="BalanceFactor">Factor of the load-balancing loss where it is added (<c>router_aux_loss_coef</c>).</param>
public sealed record ExpertsSpec(int Count, int PerToken, long IntermediateSize, bool NormalizesWeights, double BalanceFactor);
