namespace LowRank.Adapters;

/// <summary>
/// The settings of MiSS (matrix shard sharing, Kang and Yin, 2024, arXiv:2409.15371; PEFT's <c>MissConfig</c>): the input is cut into shards of <see cref="Rank"/> features,
/// which are added up, and y = W x + b + (Σ shards) · D with one matrix D of [rank, out]; with <see cref="IsBat"/> the update is a product with the weight. It starts from zero.
/// </summary>
public sealed record MissConfig : AdapterConfig
{
    /// <inheritdoc/>
    public override AdapterKind Kind => AdapterKind.Miss;

    /// <summary>The rank r (<c>r</c>): features of a shard. Default 64, from 1.</summary>
    public int Rank { get; init; } = 64;

    /// <summary>With <see cref="IsMini"/>, columns of D; it is repeated over the output's features (<c>mini_r</c>). Default 1.</summary>
    public int MiniRank { get; init; } = 1;

    /// <summary>Whether D has <see cref="MiniRank"/> columns (<c>init_weights</c> is <c>"mini"</c>). Default false.</summary>
    public bool IsMini { get; init; }

    /// <summary>
    /// Whether the weight is cut into blocks of rank × rank, and each row of blocks i has a matrix Dᵢ, so that block ij gains Wᵢⱼ Dᵢ + Dᵢ (<c>init_weights</c> is <c>"bat"</c>). Default false.
    /// The rank must divide both sides of the weight; <see cref="Dropout"/> has no effect, as in PEFT.
    /// </summary>
    public bool IsBat { get; init; }

    /// <summary>Whether D starts from zero (<c>init_weights</c> is true, <c>"mini"</c> or <c>"bat"</c>) and not from random values. Default true.</summary>
    public bool StartsFromZero { get; init; } = true;

    /// <summary>The probability with which an element of the adapter's input is dropped in training (<c>miss_dropout</c>). Default 0, in [0, 1).</summary>
    public double Dropout { get; init; }

    internal override int RankOrZero => Rank;
}
