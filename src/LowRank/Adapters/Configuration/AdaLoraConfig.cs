namespace LowRank.Adapters;

/// <summary>
/// The settings of AdaLoRA (Zhang et al., 2023, arXiv:2303.10512; PEFT's <c>AdaLoraConfig</c>): y = W x + b + alpha / r₀ · B diag(E) A dropout(x), where training takes
/// away from the rank r₀ that every module begins with until the budget is <see cref="TargetRank"/> on average, the least important triplets of E, A and B first.
/// </summary>
public sealed record AdaLoraConfig : AdapterConfig
{
    /// <inheritdoc/>
    public override AdapterKind Kind => AdapterKind.AdaLora;

    /// <summary>The rank r₀ that every module begins with (<c>init_r</c>). Default 12, from 1.</summary>
    public int InitialRank { get; init; } = 12;

    /// <summary>The average rank at the end (<c>target_r</c>). Default 8.</summary>
    public int TargetRank { get; init; } = 8;

    /// <summary>The numerator of the scaling (<c>lora_alpha</c>). Default 8. At most 0 means the rank.</summary>
    public double Alpha { get; init; } = 8;

    /// <summary>The probability with which an element of the adapter's input is dropped in training (<c>lora_dropout</c>). Default 0, in [0, 1).</summary>
    public double Dropout { get; init; }

    /// <summary>Steps before the first triplet is taken away (<c>tinit</c>). Default 0.</summary>
    public int InitialSteps { get; init; }

    /// <summary>Steps at the end, in which the ranks stay (<c>tfinal</c>). Default 0.</summary>
    public int FinalSteps { get; init; }

    /// <summary>Steps from one allocation to the next (<c>deltaT</c>). Default 1.</summary>
    public int Interval { get; init; } = 1;

    /// <summary>How slowly the importance follows its newest value (<c>beta1</c>). Default 0.85, in (0, 1).</summary>
    public double Beta1 { get; init; } = 0.85;

    /// <summary>How slowly the uncertainty of the importance follows (<c>beta2</c>). Default 0.85, in (0, 1).</summary>
    public double Beta2 { get; init; } = 0.85;

    /// <summary>The weight in the loss of how far A and B are from orthogonal (<c>orth_reg_weight</c>). Default 0.5, from 0.</summary>
    public double OrthogonalWeight { get; init; } = 0.5;

    /// <summary>Optimizer steps of the whole run (<c>total_step</c>). Default null: the trainer fills it in.</summary>
    public int? TotalSteps { get; init; }

    /// <summary>
    /// Which triplets of each module are kept (<c>rank_pattern</c>), by the name of its E such as <c>model.layers.0.self_attn.q_proj.lora_E</c>. Default null: all. The file
    /// holds the kept ones alone, and the scaling stays that of <see cref="InitialRank"/>.
    /// </summary>
    public OrderedDictionary<string, IReadOnlyList<bool>>? RankPattern { get; init; }

    internal override int RankOrZero => InitialRank;

    internal override double AlphaOrOne => Alpha;

    // PEFT divides by its count of ranks plus 1e-5.
    internal override double ScalingOf(int rank, double alpha) => (alpha > 0 ? alpha : rank) / (rank + 1e-5f);

    /// <summary>The triplets of a module that the file holds.</summary>
    internal int KeptRank(string module) => RankPattern is { } pattern && pattern.TryGetValue($"{module}.lora_E", out var kept) ? kept.Count(k => k) : InitialRank;
}
