using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>The place of a token table.</summary>
/// <param name="name">The dotted name.</param>
/// <param name="module">The table that stands there first; the slot owns it.</param>
public sealed class EmbeddingSlot(string name, IEmbedding module) : ModuleSlot(name)
{
    /// <summary>The table that stands there. Whoever replaces it takes over the earlier one.</summary>
    public IEmbedding Module { get; set; } = module;

    /// <inheritdoc/>
    public override bool IsTrained => Module is not FrozenEmbedding;

    /// <inheritdoc cref="IEmbedding.Forward"/>
    public Tensor Forward(Tensor ids, ScalarType dtype) => Module.Forward(ids, dtype);

    /// <inheritdoc/>
    public override void Dispose() => Module.Dispose();
}
