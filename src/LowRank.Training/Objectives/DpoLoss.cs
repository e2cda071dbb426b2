namespace LowRank.Training.Objectives;

/// <summary>The loss of DPO, a function of z = β (log-ratio of the better answer - that of the other), the log-ratio being that of policy and reference.</summary>
public enum DpoLoss
{
    /// <summary>-log σ(z) (arXiv:2305.18290, equation 7); with label smoothing ε: -(1 - ε) log σ(z) - ε log σ(-z), conservative DPO.</summary>
    Sigmoid,

    /// <summary>max(0, 1 - z) (SLiC, arXiv:2305.10425).</summary>
    Hinge,

    /// <summary>(h - 1/(2β))², h the difference of log-ratios per token (IPO, arXiv:2310.12036).</summary>
    Ipo,

    /// <summary>(-(1 - ε) log σ(z) + ε log σ(-z)) / (1 - 2ε): unbiased where a share ε of the preferences is the wrong way round (arXiv:2403.00409).</summary>
    Robust,
}
