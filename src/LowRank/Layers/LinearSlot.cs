using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>The place of a linear layer.</summary>
/// <param name="name">The dotted name.</param>
/// <param name="module">The layer that stands there first; the slot owns it.</param>
/// <param name="role">What the layer is for.</param>
public sealed class LinearSlot(string name, ILinear module, LinearRole role = LinearRole.Layer) : ModuleSlot(name)
{
    /// <summary>The layer that stands there. Whoever replaces it takes over the earlier one.</summary>
    public ILinear Module { get; set; } = module;

    /// <summary>What the layer is for.</summary>
    public LinearRole Role { get; } = role;

    /// <summary>The name of the module that holds its parameter in transformers 5, where that is another than <see cref="ModuleSlot.Name"/>; else null.</summary>
    public string? ParameterHolder { get; init; }

    /// <summary>Whether this is the output head.</summary>
    public bool IsHead => Role == LinearRole.Head;

    /// <inheritdoc/>
    public override bool IsTrained => Module is not FrozenLinear { TrainedBias: null };

    /// <inheritdoc cref="ILinear.Forward"/>
    public Tensor Forward(Tensor x) => Module.Forward(x);

    /// <inheritdoc/>
    public override void Dispose() => Module.Dispose();
}
