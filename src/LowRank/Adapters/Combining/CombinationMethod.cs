namespace LowRank.Adapters;

/// <summary>How adapters become one: the combination types of PEFT 0.21's <c>add_weighted_adapter</c> (<c>tuners/lora/model.py</c>, <c>utils/merge_utils.py</c>).</summary>
internal enum CombinationMethod
{
    /// <summary>A and B are weighted sums of the adapters' own (<c>linear</c>). B A then has products of one adapter's B with another's A: it is not the weighted sum of the updates. Equal ranks.</summary>
    Linear,

    /// <summary>A and B stand beside each other (<c>cat</c>): exactly the weighted sum of the updates, with the sum of the ranks.</summary>
    Cat,

    /// <summary>The best approximation of the weighted sum of the updates at a rank (<c>svd</c>).</summary>
    Svd,

    /// <summary>As <see cref="Linear"/>, of values that are large and agree in sign (<c>ties</c>; TIES, arXiv:2306.01708). Equal ranks.</summary>
    Ties,

    /// <summary>TIES over the updates, approximated at a rank (<c>ties_svd</c>).</summary>
    TiesSvd,

    /// <summary>As <see cref="Linear"/>, of the largest values (<c>magnitude_prune</c>). Equal ranks.</summary>
    MagnitudePrune,

    /// <summary>The weighted sum of the largest values of the updates, approximated at a rank (<c>magnitude_prune_svd</c>).</summary>
    MagnitudePruneSvd,

    /// <summary>As <see cref="Linear"/>, of values kept at random and divided by the density (<c>dare_linear</c>; DARE, arXiv:2311.03099). Equal ranks.</summary>
    DareLinear,

    /// <summary>As <see cref="Ties"/>, of values kept at random and divided by the density (<c>dare_ties</c>). Equal ranks.</summary>
    DareTies,

    /// <summary>The weighted sum of values of the updates kept at random, approximated at a rank (<c>dare_linear_svd</c>).</summary>
    DareLinearSvd,

    /// <summary>TIES over values of the updates kept at random, approximated at a rank (<c>dare_ties_svd</c>).</summary>
    DareTiesSvd,
}
