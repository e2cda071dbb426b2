using LowRank.Autograd;
using LowRank.Layers;
using LowRank.Runtime.Interop;
using static TorchSharp.torch;

namespace LowRank.Adapters.Ia3;

/// <summary>
/// Infused adapter by inhibiting and amplifying inner activations (arXiv:2205.05638): <c>y = (W x + b) ⊙ l</c>, or in a feed-forward module <c>y = W (x ⊙ l) + b</c>.
/// </summary>
internal sealed class Ia3Adapter : ILinearAdapter
{
    /// <summary>Creates the change from its parameter, which it owns.</summary>
    internal Ia3Adapter(TrainableParameter factors, bool scalesInput)
    {
        (Factors, ScalesInput) = (factors, scalesInput);
        Parameters = [factors];
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>l: <c>[out, 1]</c>, or <c>[1, in]</c> where the input is scaled.</summary>
    public TrainableParameter Factors { get; }

    /// <summary>Whether the input is scaled, not the output.</summary>
    public bool ScalesInput { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        var l = Factors.Value.view(-1);
        if (ScalesInput) return frozen.Forward(ColumnFactorsNode.Apply(x, l, null)).MoveToOuterDisposeScope();
        return ColumnFactorsNode.Apply(frozen.Forward(x), l, null).MoveToOuterDisposeScope();
    }

    Tensor ILinearAdapter.Adjust(Tensor x, Tensor y, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        var l = Factors.Value.view(-1);
        if (!ScalesInput) return (y * l.to(y.dtype)).MoveToOuterDisposeScope();
        return y.add(FrozenLinearNode.Apply(x * (l - Scalars.Of(1)).to(x.dtype), frozen.Weight), Scalars.One).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Merge(Tensor rows, long from)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        rows.mul_(ScalesInput ? Factors.Value : Factors.Value.narrow(0, from, rows.shape[0]));
    }

    /// <inheritdoc/>
    public Tensor? MergedBias(Tensor? bias)
    {
        if (ScalesInput || bias is null) return null;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return (bias * Factors.Value.view(-1)).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public IEnumerable<(AdapterTensorKind Kind, Tensor Value)> Values() => [(AdapterTensorKind.Ia3, Factors.Value.detach())];

    /// <inheritdoc/>
    public void Dispose() => Factors.Dispose();
}
