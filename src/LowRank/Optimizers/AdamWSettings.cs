namespace LowRank.Optimizers;

/// <summary>Settings of AdamW (arXiv:1711.05101). The defaults are torch's.</summary>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decoupled decay: values shrink by learning rate · decay each step. Parameter groups say their own.</param>
public sealed record AdamWSettings(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, double WeightDecay = 0.01)
{
    /// <summary>Whose formula the step has. Default torch's.</summary>
    public AdamWForm Form { get; init; }

    /// <summary>How the moments are kept. Default fp32.</summary>
    public OptimizerKind Kind { get; init; }

    /// <summary>Keeps the moments in a mapped file; null, the default, keeps them in memory.</summary>
    public OptimizerPaging? Paging { get; init; }
}
