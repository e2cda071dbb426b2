using LowRank.Adapters.Lora;
using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>A frozen token table with a low-rank update.</summary>
/// <param name="frozen">The table; this object owns it.</param>
/// <param name="adapter">The update; this object owns it.</param>
public sealed class AdaptedEmbedding(FrozenEmbedding frozen, LoraEmbeddingAdapter adapter) : IEmbedding
{
    /// <summary>The table.</summary>
    public FrozenEmbedding Frozen { get; } = frozen;

    /// <summary>The update.</summary>
    public LoraEmbeddingAdapter Adapter { get; } = adapter;

    /// <summary>Whether the update is applied.</summary>
    public bool Enabled { get; set; } = true;

    /// <inheritdoc/>
    public long Rows => Frozen.Rows;

    /// <inheritdoc/>
    public long Features => Frozen.Features;

    /// <inheritdoc/>
    public Tensor Forward(Tensor ids, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var rows = Frozen.Forward(ids, dtype);
        return (Enabled ? rows.add(Adapter.Update(ids).to(dtype), Scalars.One) : rows).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Adapter.Dispose();
        Frozen.Dispose();
    }
}
