using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>The place of a norm, which can be trained but not adapted.</summary>
/// <param name="name">The dotted name.</param>
/// <param name="module">The norm; the slot owns it.</param>
public sealed class NormSlot(string name, Norm module) : ModuleSlot(name)
{
    /// <summary>The norm.</summary>
    public Norm Module { get; } = module;

    /// <inheritdoc/>
    public override bool IsTrained => Module.Trained is not null || Module.TrainedBias is not null;

    /// <inheritdoc cref="Norm.Forward"/>
    public Tensor Forward(Tensor x) => Module.Forward(x);

    /// <inheritdoc/>
    public override void Dispose() => Module.Dispose();
}
