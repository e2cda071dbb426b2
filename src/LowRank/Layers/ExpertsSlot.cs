using LowRank.Adapters.Experts;

namespace LowRank.Layers;

/// <summary>
/// The place of a parameter of all experts of a layer together, <c>[experts, out, in]</c>, as transformers 5 holds them. Its rows are the weights in the experts' own slots, so that it owns
/// nothing but what an adapter puts there.
/// </summary>
/// <param name="name">The dotted name, such as <c>model.layers.0.mlp.experts.gate_up_proj</c>.</param>
/// <param name="experts">For each expert the slots whose weights stand in it one below another: gate and up, or down.</param>
public sealed class ExpertsSlot(string name, IReadOnlyList<IReadOnlyList<LinearSlot>> experts) : ModuleSlot(name)
{
    /// <summary>For each expert the slots whose weights stand in it one below another.</summary>
    public IReadOnlyList<IReadOnlyList<LinearSlot>> Experts => experts;

    /// <summary>The adapter that stands here, or null.</summary>
    public ExpertsAdapter? Adapter { get; set; }

    /// <inheritdoc/>
    public override bool IsTrained => Adapter is not null;

    /// <inheritdoc/>
    public override void Dispose() => Adapter?.Dispose();
}
