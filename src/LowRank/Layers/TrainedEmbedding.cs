using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>A token table that is trained in full: <c>--method full</c>, and PEFT's <c>modules_to_save</c>.</summary>
/// <param name="weight">The table, <c>[vocabulary, hidden]</c>.</param>
/// <param name="replaced">The frozen table in whose place this one stands, kept to be put back; null for full fine-tuning.</param>
public sealed class TrainedEmbedding(TrainableParameter weight, IEmbedding? replaced = null) : IEmbedding
{
    /// <summary>The table.</summary>
    public TrainableParameter Weight { get; } = weight;

    /// <summary>The frozen table that this one stands for, or null.</summary>
    public IEmbedding? Replaced { get; } = replaced;

    /// <inheritdoc/>
    public long Rows => Weight.Shape[0];

    /// <inheritdoc/>
    public long Features => Weight.Shape[1];

    /// <inheritdoc/>
    public Tensor Forward(Tensor ids, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var rows = Weight.Value.index_select(0, ids.reshape(-1)).to(dtype);
        return rows.reshape([.. ids.shape, Features]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Weight.Dispose();
        Replaced?.Dispose();
    }
}
