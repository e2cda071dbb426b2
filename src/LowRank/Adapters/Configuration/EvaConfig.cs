namespace LowRank.Adapters;

/// <summary>
/// The settings of EVA, the start of a LoRA from the data (Explained Variance Adaptation, Paischer et al., 2024, arXiv:2410.07170; PEFT's <c>EvaConfig</c>, <c>eva_config</c> in the file): A
/// starts from the principal directions of a layer's inputs, and ranks go where they explain the most variance.
/// </summary>
public sealed record EvaConfig
{
    /// <summary>The most that a layer's rank may be, as a multiple of the rank (<c>rho</c>). Default 2, from 1; 1 leaves every layer its rank.</summary>
    public double Rho { get; init; } = 2;

    /// <summary>The cosine between a direction and what it was a batch before, from which on it counts as found (<c>tau</c>). Default 0.99, in [0, 1].</summary>
    public double Tau { get; init; } = 0.99;

    /// <summary>Whether only inputs at tokens that are learned count (<c>use_label_mask</c>), else those at all tokens but padding. Default true.</summary>
    public bool UsesLabelMask { get; init; } = true;

    /// <summary>The label of a token that is not learned (<c>label_mask_value</c>). Default -100, which LowRank's batches have; another one is kept for PEFT.</summary>
    public int LabelMaskValue { get; init; } = -100;

    /// <summary>Whether a direction is divided by the root of its singular value (<c>whiten</c>). Default false.</summary>
    public bool Whitens { get; init; }

    /// <summary>Whether alpha grows and shrinks with a layer's rank, so that alpha / rank stays (<c>adjust_scaling_factors</c>). Default true.</summary>
    public bool AdjustsScaling { get; init; } = true;
}
