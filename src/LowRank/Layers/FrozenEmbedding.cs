using LowRank.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>The token table of the base model.</summary>
public sealed class FrozenEmbedding(FrozenWeight weight) : IEmbedding
{
    /// <summary>The table, <c>[vocabulary, hidden]</c>. A tied head multiplies by the same object.</summary>
    public FrozenWeight Weight { get; } = weight;

    /// <inheritdoc/>
    public long Rows => Weight.OutFeatures;

    /// <inheritdoc/>
    public long Features => Weight.InFeatures;

    /// <inheritdoc/>
    public Tensor Forward(Tensor ids, ScalarType dtype) => Weight.Rows(ids, dtype);

    /// <inheritdoc/>
    public void Dispose() => Weight.Dispose();
}
