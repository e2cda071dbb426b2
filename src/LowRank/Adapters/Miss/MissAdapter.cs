using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Miss;

/// <summary>
/// Matrix shard sharing (arXiv:2409.15371): <c>y = W x + b + (Σᵢ xᵢ) D</c>, where the xᵢ are the input's pieces of r features, the last filled up with zeros, and D is
/// <c>[r, out]</c>, or with fewer columns repeated to that width.
/// </summary>
internal sealed class MissAdapter : ILinearAdapter
{
    private readonly long outFeatures;
    private readonly Dropout dropout;
    private readonly double dropoutProbability;
    private readonly int module;

    /// <summary>Creates the update from its parameter, which it owns.</summary>
    internal MissAdapter(TrainableParameter block, long outFeatures, Dropout dropout, double dropoutProbability, int module)
    {
        (Block, this.outFeatures) = (block, outFeatures);
        (this.dropout, this.dropoutProbability, this.module) = (dropout, dropoutProbability, module);
        Parameters = [block];
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>D, or its repeated columns: <c>[r, columns]</c>.</summary>
    public TrainableParameter Block { get; }

    private long Rank => Block.Shape[0];

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        var y = frozen.Forward(x);
        return y.add_(Update(x).to(y.dtype), Scalars.One).MoveToOuterDisposeScope();
    }

    private Tensor Update(Tensor x)
    {
        var wide = dropout.Apply(x.to(ScalarType.Float32), dropoutProbability, module);
        var features = x.shape[^1];
        if (features % Rank != 0) wide = nn.functional.pad(wide, [0, Rank - features % Rank]);
        var sums = wide.reshape([.. x.shape[..^1], wide.shape[^1] / Rank, Rank]).sum(-2);
        return sums.matmul(Full());
    }

    Tensor ILinearAdapter.Adjust(Tensor x, Tensor y, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        return y.add(Update(x).to(y.dtype), Scalars.One).MoveToOuterDisposeScope();
    }

    // D with all columns.
    private Tensor Full() => Block.Shape[1] == outFeatures ? Block.Value.alias() : Block.Value.repeat(1, outFeatures / Block.Shape[1]);

    /// <inheritdoc/>
    public void Merge(Tensor rows, long from)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (turned, features) = (Full().t().narrow(0, from, rows.shape[0]), rows.shape[1]);
        for (long start = 0; start < features; start += Rank)
        {
            var width = Math.Min(Rank, features - start);
            rows.narrow(1, start, width).add_(turned.narrow(1, 0, width), Scalars.One);
        }
    }

    /// <inheritdoc/>
    public IEnumerable<(AdapterTensorKind Kind, Tensor Value)> Values() => [(AdapterTensorKind.MissBlock, Block.Value.detach())];

    /// <inheritdoc/>
    public void Dispose() => Block.Dispose();
}
