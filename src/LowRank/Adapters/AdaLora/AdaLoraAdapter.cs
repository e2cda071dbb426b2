using LowRank.Autograd;
using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.AdaLora;

/// <summary>
/// The update of AdaLoRA (arXiv:2303.10512) in the form of a singular value decomposition: <c>y = W x + b + s · B diag(E) A dropout(x)</c> with A <c>[r, in]</c>,
/// E <c>[r, 1]</c>, B <c>[out, r]</c>. A triplet that was taken away has E = 0.
/// </summary>
internal sealed class AdaLoraAdapter : ILinearAdapter
{
    private readonly Dropout dropout;
    private readonly double dropoutProbability;
    private readonly int module;

    /// <summary>Creates the update from its parameters, which it owns.</summary>
    internal AdaLoraAdapter(TrainableParameter a, TrainableParameter e, TrainableParameter b, double scaling, Dropout dropout, double dropoutProbability, int module)
    {
        (A, E, B, Scaling) = (a, e, b, scaling);
        (this.dropout, this.dropoutProbability, this.module) = (dropout, dropoutProbability, module);
        Parameters = [a, e, b];
    }

    /// <inheritdoc/>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>The right singular vectors, <c>[r, in]</c>.</summary>
    public TrainableParameter A { get; }

    /// <summary>The singular values, <c>[r, 1]</c>.</summary>
    public TrainableParameter E { get; }

    /// <summary>The left singular vectors, <c>[out, r]</c>.</summary>
    public TrainableParameter B { get; }

    /// <summary>The factor s: alpha by the rank that the module began with.</summary>
    public double Scaling { get; }

    /// <summary>Which triplets are kept; null while none was taken away.</summary>
    public IReadOnlyList<bool>? Kept { get; internal set; }

    /// <summary>For an adapter from a file, which holds the kept triplets alone: which of the first ones they were.</summary>
    internal IReadOnlyList<bool>? KeptBefore { get; init; }

    /// <summary>The number of kept triplets.</summary>
    public int Rank => Kept?.Count(k => k) ?? (int)A.Shape[0];

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        if (x.dtype == ScalarType.Float32 && PartFor(frozen) is { } part) return LinearParts.Forward(x, part)[0].MoveToOuterDisposeScope();
        var y = frozen.Forward(x);
        if (A.Shape[0] == 0) return y.MoveToOuterDisposeScope();
        var down = nn.functional.linear(dropout.Apply(x.to(ScalarType.Float32), dropoutProbability, module), A.Value * E.Value);
        return y.add_((down * Scalars.Of(Scaling)).matmul(B.Value.t()).to(y.dtype), Scalars.One).MoveToOuterDisposeScope();
    }

    Tensor ILinearAdapter.Adjust(Tensor x, Tensor y, FrozenLinear frozen)
    {
        if (A.Shape[0] == 0) return y.alias();
        using var scope = NewDisposeScope();
        var down = nn.functional.linear(dropout.Apply(x.to(ScalarType.Float32), dropoutProbability, module), A.Value * E.Value);
        return y.add((down * Scalars.Of(Scaling)).matmul(B.Value.t()).to(y.dtype), Scalars.One).MoveToOuterDisposeScope();
    }

    LinearPart? ILinearAdapter.PartFor(FrozenLinear frozen) => PartFor(frozen);

    private LinearPart? PartFor(FrozenLinear frozen)
    {
        if (frozen.TrainedBias is not null || (dropoutProbability > 0 && dropout.IsActive)) return null;
        return A.Shape[0] == 0 ? new(frozen.Weight, frozen.Bias) : new(frozen.Weight, frozen.Bias, A.Value * E.Value, B.Value.alias(), Scaling) { IsComputed = true };
    }

    /// <inheritdoc/>
    public void Merge(Tensor rows, long from)
    {
        if (A.Shape[0] == 0) return;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        rows.addmm_(B.Value.narrow(0, from, rows.shape[0]), A.Value * E.Value, 1, (float)Scaling);
    }

    /// <inheritdoc/>
    public IEnumerable<(AdapterTensorKind Kind, Tensor Value)> Values()
    {
        yield return (AdapterTensorKind.AdaLoraA, Chosen(A, 0));
        yield return (AdapterTensorKind.AdaLoraB, Chosen(B, 1));
        yield return (AdapterTensorKind.AdaLoraE, Chosen(E, 0));
    }

    // A view, or where triplets were taken away a copy of the others.
    private Tensor Chosen(TrainableParameter parameter, long dimension)
    {
        using var noGrad = no_grad();
        if (Kept is null || Rank == Kept.Count) return parameter.Value.detach();
        using var places = tensor(Enumerable.Range(0, Kept.Count).Where(i => Kept[i]).Select(i => (long)i).ToArray(), device: parameter.Value.device);
        return parameter.Value.index_select(dimension, places);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var p in Parameters) p.Dispose();
    }
}
