using LowRank.Layers;
using LowRank.Optimizers.Preconditioning;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization;

/// <summary>
/// LoRA that starts from a part of the weight itself (PiSSA, OLoRA): <c>y = W x + b + s · B A dropout(x) − s · B₀ A₀ x</c>. PEFT writes <c>W − s · B₀ A₀</c> into the base; here the
/// base stays as it is, in whatever form it is stored, and what A and B started from is subtracted beside it. So a new adapter changes nothing but by rounding, over a base in 4 bits
/// too, and what is saved is a plain LoRA of twice the rank for the unchanged base: <c>[A; A₀]</c> and <c>[B, −B₀]</c>, as PEFT's conversion writes it.
/// </summary>
internal sealed class ResidualLoraAdapter : ILinearAdapter
{
    private readonly TrainableParameter a;
    private readonly TrainableParameter b;
    private readonly Dropout dropout;
    private readonly double dropoutProbability;
    private readonly int module;

    /// <summary>Creates the update from its parameters and what they started from, all of which it owns.</summary>
    internal ResidualLoraAdapter(TrainableParameter a, TrainableParameter b, InitialUpdate initial, double scaling, Dropout dropout, double dropoutProbability, int module)
    {
        (this.a, this.b, Initial, Scaling) = (a, b, initial, scaling);
        (this.dropout, this.dropoutProbability, this.module) = (dropout, dropoutProbability, module);
        Parameters = [a, b];
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>What A and B started from.</summary>
    public InitialUpdate Initial { get; }

    /// <summary>The factor s of the update.</summary>
    public double Scaling { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        if (x.dtype == ScalarType.Float32 && PartFor(frozen) is { } part) return LinearParts.Forward(x, part)[0].MoveToOuterDisposeScope();
        var y = frozen.Forward(x);
        return y.add_(Update(x).to(y.dtype), Scalars.One).MoveToOuterDisposeScope();
    }

    Tensor ILinearAdapter.Adjust(Tensor x, Tensor y, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        return y.add(Update(x).to(y.dtype), Scalars.One).MoveToOuterDisposeScope();
    }

    // Dropout belongs to what is trained; in PEFT the part that is subtracted is the base's and sees the whole input.
    private Tensor Update(Tensor x)
    {
        var wide = x.to(ScalarType.Float32);
        var trained = nn.functional.linear(dropout.Apply(wide, dropoutProbability, module), a.Value).matmul(b.Value.t());
        var initial = nn.functional.linear(wide, Initial.A).matmul(Initial.NegatedB.t());
        return trained.add(initial, Scalars.One) * Scalars.Of(Scaling);
    }

    LinearPart? ILinearAdapter.PartFor(FrozenLinear frozen) => PartFor(frozen);

    LoraPair? ILinearAdapter.Pair => new(a, b, Scaling);

    // One update of rank 2r: both products are sums of one matrix product, in which what A and B started from cancels to the rounding of its terms.
    private LinearPart? PartFor(FrozenLinear frozen) => frozen.TrainedBias is not null || (dropoutProbability > 0 && dropout.IsActive) ? null
        : new(frozen.Weight, frozen.Bias, cat([a.Value, Initial.A], 0), cat([b.Value, Initial.NegatedB], 1), Scaling) { IsComputed = true };

    /// <inheritdoc/>
    public void Merge(Tensor rows, long from)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // One product, so that large parts that cancel do not pass through the weight.
        rows.addmm_(cat([b.Value, Initial.NegatedB], 1).narrow(0, from, rows.shape[0]), cat([a.Value, Initial.A], 0), 1, (float)Scaling);
    }

    /// <inheritdoc/>
    public IEnumerable<(AdapterTensorKind Kind, Tensor Value)> Values()
    {
        using var noGrad = no_grad();
        var (down, up) = (cat([a.Value, Initial.A], 0), cat([b.Value, Initial.NegatedB], 1));
        return [(AdapterTensorKind.LoraA, down), (AdapterTensorKind.LoraB, up)];
    }

    /// <inheritdoc/>
    IEnumerable<(AdapterTensorKind Kind, Tensor Value)> ILinearAdapter.Trained() => [(AdapterTensorKind.LoraA, a.Value.detach()), (AdapterTensorKind.LoraB, b.Value.detach())];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var p in Parameters) p.Dispose();
        Initial.Dispose();
    }
}
