namespace LowRank.Adapters;

/// <summary>
/// The settings of (IA)³ (Liu et al., 2022, arXiv:2205.05638; PEFT's <c>IA3Config</c>): each output of an adapted layer is multiplied by a trained factor, or in
/// <see cref="FeedForwardModules"/> each input. It starts from ones.
/// </summary>
public sealed record Ia3Config : AdapterConfig
{
    /// <inheritdoc/>
    public override AdapterKind Kind => AdapterKind.Ia3;

    /// <summary>The targets whose inputs are scaled instead of their outputs (<c>feedforward_modules</c>). Default null: the down projections among the targets of a new adapter, none in a file.</summary>
    public ModulePattern? FeedForwardModules { get; init; }

    /// <summary>Whether the factors start from one (<c>init_ia3_weights</c>) and not from random values. Default true.</summary>
    public bool StartsFromOne { get; init; } = true;
}
