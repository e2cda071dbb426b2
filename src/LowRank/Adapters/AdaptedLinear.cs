using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>A frozen linear layer with an adapter. The same class serves every kind of adapter and every storage of the base: QLoRA is this over a 4-bit weight.</summary>
/// <param name="frozen">The base layer; this object owns it.</param>
/// <param name="adapter">The update; this object owns it.</param>
public sealed class AdaptedLinear(FrozenLinear frozen, ILinearAdapter adapter) : ILinear
{
    /// <summary>The base layer.</summary>
    public FrozenLinear Frozen { get; } = frozen;

    /// <summary>The update.</summary>
    public ILinearAdapter Adapter { get; } = adapter;

    /// <summary>Whether the update is applied. False shows the base model.</summary>
    public bool Enabled { get; set; } = true;

    /// <inheritdoc/>
    public long InFeatures => Frozen.InFeatures;

    /// <inheritdoc/>
    public long OutFeatures => Frozen.OutFeatures;

    /// <inheritdoc/>
    public Tensor Forward(Tensor x) => Enabled ? Adapter.Forward(x, Frozen) : Frozen.Forward(x);

    LinearPart? ILinear.PartFor() => Enabled ? Adapter.PartFor(Frozen) : ((ILinear)Frozen).PartFor();

    /// <inheritdoc/>
    public void Dispose()
    {
        Adapter.Dispose();
        Frozen.Dispose();
    }
}
