using LowRank.Layers;

namespace LowRank.Optimizers.Preconditioning;

/// <summary>The matrices of a low-rank update: A <c>[r, in]</c>, B <c>[out, r]</c> and the factor of their product.</summary>
internal sealed record LoraPair(TrainableParameter A, TrainableParameter B, double Scaling);
