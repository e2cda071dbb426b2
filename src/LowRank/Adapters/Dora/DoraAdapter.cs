using LowRank.Autograd;
using LowRank.Layers;
using LowRank.Optimizers.Preconditioning;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Dora;

/// <summary>
/// Weight-decomposed low-rank adaptation (arXiv:2402.09353): <c>y = m / ‖W + s B A‖ · (W x + s B A x) + b</c> with a trained length m of each row of the weight. The norm is a
/// constant for the gradient, as in the paper's section 4.3 and in PEFT. With dropout the rows' factor less one applies to the input with dropped elements, as in PEFT.
/// </summary>
internal sealed class DoraAdapter : ILinearAdapter
{
    private readonly TrainableParameter a;
    private readonly TrainableParameter b;
    private RowNorms? norms;
    private readonly Dropout dropout;
    private readonly double dropoutProbability;
    private readonly int module;
    private (long Change, Tensor Value)? known;

    /// <summary>Creates the update from its parameters, which it owns, as it does <paramref name="norms"/>; null lets it take them when they are first needed.</summary>
    internal DoraAdapter(TrainableParameter a, TrainableParameter b, TrainableParameter magnitude, RowNorms? norms, double scaling, Dropout dropout, double dropoutProbability, int module)
    {
        (this.a, this.b, Magnitude, this.norms, Scaling) = (a, b, magnitude, norms, scaling);
        (this.dropout, this.dropoutProbability, this.module) = (dropout, dropoutProbability, module);
        Parameters = [a, b, magnitude];
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>The length of each row of the adapted weight, <c>[out]</c>.</summary>
    public TrainableParameter Magnitude { get; }

    /// <summary>The factor s of the update.</summary>
    public double Scaling { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        var drops = dropoutProbability > 0 && dropout.IsActive;
        if (!drops && x.dtype == ScalarType.Float32) return LinearParts.Forward(x, Part(frozen))[0].MoveToOuterDisposeScope();
        var wide = x.to(ScalarType.Float32);
        var dropped = dropout.Apply(wide, dropoutProbability, module);
        var seen = drops ? dropped.to(x.dtype) : x;
        var update = nn.functional.linear(dropped, a.Value).matmul(b.Value.t()) * Scalars.Of(Scaling);
        var y = FrozenLinearNode.Apply(seen, frozen.Weight).add(update.to(x.dtype), Scalars.One) * Factors(frozen).to(x.dtype);
        if (drops) y = y.add(FrozenLinearNode.Apply(x - seen, frozen.Weight), Scalars.One);
        if (frozen.Bias is { } bias) y = y.add(bias.to(y.dtype), Scalars.One);
        return y.MoveToOuterDisposeScope();
    }

    Tensor ILinearAdapter.Adjust(Tensor x, Tensor y, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        var drops = dropoutProbability > 0 && dropout.IsActive;
        var seen = dropout.Apply(x.to(ScalarType.Float32), dropoutProbability, module);
        var factors = Factors(frozen);
        var product = drops ? FrozenLinearNode.Apply(seen.to(x.dtype), frozen.Weight) : frozen.Bias is { } bias ? y - bias.to(y.dtype) : y;
        var update = nn.functional.linear(seen, a.Value).matmul(b.Value.t()) * (factors * Scalars.Of(Scaling));
        return y.add(product * (factors - Scalars.Of(1)).to(y.dtype), Scalars.One).add(update.to(y.dtype), Scalars.One).MoveToOuterDisposeScope();
    }

    LinearPart? ILinearAdapter.PartFor(FrozenLinear frozen) => dropoutProbability > 0 && dropout.IsActive ? null : Part(frozen);

    LoraPair? ILinearAdapter.Pair => new(a, b, Scaling);

    private LinearPart Part(FrozenLinear frozen) => new(frozen.Weight, frozen.Bias, a.Value.alias(), b.Value.alias(), Scaling) { Factors = Factors(frozen) };

    // m / ‖W + s B A‖.
    private Tensor Factors(FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        return (Magnitude.Value / Norm(frozen)).MoveToOuterDisposeScope();
    }

    // Without gradients nothing changes from one call to the next, such as between the tokens of an answer.
    private Tensor Norm(FrozenLinear frozen)
    {
        norms ??= new RowNorms(frozen.Weight);
        if (is_grad_enabled()) return norms.Of(a.Value, b.Value, Scaling);
        var change = TrainableParameter.Changes;
        if (known is not { } last || last.Change != change)
        {
            known?.Value.Dispose();
            known = (change, norms.Of(a.Value, b.Value, Scaling).DetachFromDisposeScope());
        }
        return known!.Value.Value.alias();
    }

    /// <inheritdoc/>
    public void Merge(Tensor rows, long from)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        rows.addmm_(b.Value.narrow(0, from, rows.shape[0]), a.Value, 1, (float)Scaling);
        // The lengths of the sum, which is at hand here.
        rows.mul_((Magnitude.Value.narrow(0, from, rows.shape[0]) / rows.pow(Scalars.Of(2)).sum(1).sqrt_()).unsqueeze(1));
    }

    /// <inheritdoc/>
    public IEnumerable<(AdapterTensorKind Kind, Tensor Value)> Values()
    {
        yield return (AdapterTensorKind.LoraA, a.Value.detach());
        yield return (AdapterTensorKind.LoraB, b.Value.detach());
        yield return (AdapterTensorKind.Magnitude, Magnitude.Value.detach());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        known?.Value.Dispose();
        norms?.Dispose();
        foreach (var p in Parameters) p.Dispose();
    }
}
