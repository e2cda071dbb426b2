using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>The place of a linear layer.</summary>
/// <param name="name">The dotted name.</param>
/// <param name="module">The layer that stands there first; the slot owns it.</param>
/// <param name="isHead">Whether this is the output head.</param>
public sealed class LinearSlot(string name, ILinear module, bool isHead = false) : ModuleSlot(name)
{
    /// <summary>The layer that stands there. Whoever replaces it takes over the earlier one.</summary>
    public ILinear Module { get; set; } = module;

    /// <summary>Whether this is the output head.</summary>
    public bool IsHead { get; } = isHead;

    /// <inheritdoc/>
    public override bool IsTrained => Module is not FrozenLinear { TrainedBias: null };

    /// <inheritdoc cref="ILinear.Forward"/>
    public Tensor Forward(Tensor x) => Module.Forward(x);

    /// <inheritdoc/>
    public override void Dispose() => Module.Dispose();
}
