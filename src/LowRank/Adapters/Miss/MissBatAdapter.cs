using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Miss;

/// <summary>
/// MiSS with <c>init_weights</c> <c>"bat"</c>: <c>y = (W + Δ) x + b</c>. The weight is cut into blocks of r × r; each row of blocks i has a matrix Dᵢ, and the block of Δ in block column j is
/// <c>Wᵢⱼ Dᵢ + Dᵢ</c>. Unlike in the other forms the update depends on the weight; where several adapters are used one after another, each on that of the base alone. As in PEFT
/// dropout has no effect.
/// </summary>
internal sealed class MissBatAdapter : ILinearAdapter
{
    /// <summary>Creates the update from its parameter, which it owns.</summary>
    internal MissBatAdapter(TrainableParameter blocks) => (Blocks, Parameters) = (blocks, [blocks]);

    /// <inheritdoc/>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>All Dᵢ: <c>[out / r, r, r]</c>.</summary>
    public TrainableParameter Blocks { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        var y = frozen.Forward(x);
        return y.add_(Update(x, frozen).to(y.dtype), Scalars.One).MoveToOuterDisposeScope();
    }

    Tensor ILinearAdapter.Adjust(Tensor x, Tensor y, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        return y.add(Update(x, frozen).to(y.dtype), Scalars.One).MoveToOuterDisposeScope();
    }

    private Tensor Update(Tensor x, FrozenLinear frozen) => BatUpdateNode.Apply(x.to(ScalarType.Float32), Blocks.Value, frozen.Weight);

    /// <inheritdoc/>
    public void Merge(Tensor rows, long from)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var size = Blocks.Shape[1];
        // Pieces of a weight may begin and end within a block.
        for (long at = 0, count; at < rows.shape[0]; at += count)
        {
            var (block, within) = ((from + at) / size, (from + at) % size);
            count = Math.Min(size - within, rows.shape[0] - at);
            var (d, some) = (Blocks.Value[block], rows.narrow(0, at, count));
            var delta = some.reshape(-1, size).mm(d).view(count, -1, size).add_(d.narrow(0, within, count).unsqueeze(1), Scalars.One);
            some.add_(delta.view(count, -1), Scalars.One);
        }
    }

    /// <inheritdoc/>
    public IEnumerable<(AdapterTensorKind Kind, Tensor Value)> Values() => [(AdapterTensorKind.MissBlock, Blocks.Value.detach())];

    /// <inheritdoc/>
    public void Dispose() => Blocks.Dispose();
}
