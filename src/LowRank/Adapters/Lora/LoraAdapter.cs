using LowRank.Autograd;
using LowRank.Layers;
using LowRank.Optimizers.Preconditioning;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Lora;

/// <summary>
/// Low-rank adaptation of a linear layer (arXiv:2106.09685): <c>y = W x + b + s · B A dropout(x)</c> with A <c>[r, in]</c>, B <c>[out, r]</c>,
/// s = alpha / r or alpha / √r. A and B are fp32 whatever the compute dtype, as in PEFT.
/// </summary>
public sealed class LoraAdapter : ILinearAdapter
{
    private readonly Func<Tensor> a;
    private readonly Func<Tensor> b;
    private readonly Dropout dropout;
    private readonly double dropoutProbability;
    private readonly int module;

    /// <summary>Creates the update from its parameters, which it owns.</summary>
    /// <param name="a">A, <c>[r, in]</c>.</param>
    /// <param name="b">B, <c>[out, r]</c>.</param>
    /// <param name="bias">A bias of B, <c>[out]</c>, or null (<c>lora_bias</c>).</param>
    /// <param name="scaling">s.</param>
    /// <param name="dropout">The source of masks.</param>
    /// <param name="dropoutProbability">The probability that an element of the input is dropped.</param>
    /// <param name="module">The module's number, which makes its masks its own.</param>
    internal LoraAdapter(TrainableParameter a, TrainableParameter b, TrainableParameter? bias, double scaling, Dropout dropout, double dropoutProbability, int module)
    {
        (this.a, this.b, Bias, Scaling) = (() => a.Value.alias(), () => b.Value.alias(), bias, scaling);
        (this.dropout, this.dropoutProbability, this.module) = (dropout, dropoutProbability, module);
        Rank = (int)a.Shape[0];
        Parameters = bias is null ? [a, b] : [a, b, bias];
    }

    /// <summary>
    /// Creates the update of a tied head from the embedding's (<c>ensure_weight_tying</c>): its A is the embedding's B transposed, its B the embedding's A
    /// transposed. It owns nothing.
    /// </summary>
    internal LoraAdapter(LoraEmbeddingAdapter tied, double scaling, Dropout dropout, double dropoutProbability, int module)
    {
        (a, b, Scaling) = (() => tied.B.Value.t(), () => tied.A.Value.t(), scaling);
        (this.dropout, this.dropoutProbability, this.module) = (dropout, dropoutProbability, module);
        Rank = (int)tied.A.Shape[0];
        TiedTo = tied;
        Parameters = [];
    }

    /// <summary>Creates the update of one expert from its part of the matrices of all (<c>target_parameters</c>). It owns nothing.</summary>
    /// <param name="a">Gives its A, <c>[r, in]</c>, as a tensor of the caller's.</param>
    /// <param name="b">Gives its B, <c>[out, r]</c>, as a tensor of the caller's.</param>
    /// <param name="rank">r.</param>
    /// <param name="scaling">s.</param>
    internal LoraAdapter(Func<Tensor> a, Func<Tensor> b, int rank, double scaling)
    {
        (this.a, this.b, Rank, Scaling, IsPart) = (a, b, rank, scaling, true);
        dropout = new Dropout();
        Parameters = [];
    }

    /// <summary>Whether it is a part of the matrices of all experts, which are saved as one.</summary>
    internal bool IsPart { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>The rank r.</summary>
    public int Rank { get; }

    /// <summary>The factor s of the update.</summary>
    public double Scaling { get; }

    /// <summary>The embedding whose matrices this update shares, or null.</summary>
    public LoraEmbeddingAdapter? TiedTo { get; }

    /// <summary>The bias of B, or null.</summary>
    public TrainableParameter? Bias { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        if (x.dtype == ScalarType.Float32 && PartFor(frozen) is { } part) return LinearParts.Forward(x, part)[0].MoveToOuterDisposeScope();
        var y = frozen.Forward(x);
        var wide = x.to(ScalarType.Float32);
        var down = nn.functional.linear(dropout.Apply(wide, dropoutProbability, module), a());
        y = y.add_((down * Scalars.Of(Scaling)).matmul(b().t()).to(y.dtype), Scalars.One);
        if (Bias is not null) y = y.add((Bias.Value * Scalars.Of(Scaling)).to(y.dtype), Scalars.One);
        return y.MoveToOuterDisposeScope();
    }

    Tensor ILinearAdapter.Adjust(Tensor x, Tensor y, FrozenLinear frozen)
    {
        using var scope = NewDisposeScope();
        var down = nn.functional.linear(dropout.Apply(x.to(ScalarType.Float32), dropoutProbability, module), a());
        var update = (down * Scalars.Of(Scaling)).matmul(b().t());
        if (Bias is not null) update = update.add(Bias.Value * Scalars.Of(Scaling), Scalars.One);
        return y.add(update.to(y.dtype), Scalars.One).MoveToOuterDisposeScope();
    }

    /// <summary>Whether elements of the input are dropped now: within a training step.</summary>
    internal bool DropsNow => dropoutProbability > 0 && dropout.IsActive;

    LinearPart? ILinearAdapter.PartFor(FrozenLinear frozen) => PartFor(frozen);

    LoraPair? ILinearAdapter.Pair => Parameters.Count < 2 ? null : new(Parameters[0], Parameters[1], Scaling);

    private LinearPart? PartFor(FrozenLinear frozen) => Bias is not null || frozen.TrainedBias is not null || DropsNow ? null
        : new(frozen.Weight, frozen.Bias, a(), b(), Scaling);

    /// <summary>The update itself, <c>s · B A</c>: fp32 <c>[out, in]</c>, without a graph.</summary>
    public Tensor Delta()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return (b().mm(a()) * Scalars.Of(Scaling)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Merge(Tensor rows, long from)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        rows.addmm_(b().narrow(0, from, rows.shape[0]), a(), 1, (float)Scaling);
    }

    /// <inheritdoc/>
    public Tensor? MergedBias(Tensor? bias)
    {
        if (Bias is null) return null;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var own = Bias.Value * Scalars.Of(Scaling);
        return (bias is null ? own : own.add(bias, Scalars.One)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public IEnumerable<(AdapterTensorKind Kind, Tensor Value)> Values()
    {
        if (IsPart) yield break;
        var (down, up) = Matrices();
        yield return (AdapterTensorKind.LoraA, down);
        yield return (AdapterTensorKind.LoraB, up);
        if (Bias is not null) yield return (AdapterTensorKind.LoraBBias, Bias.Value.detach());
    }

    /// <summary>The values of A and B as they are saved: detached views.</summary>
    internal (Tensor A, Tensor B) Matrices()
    {
        using var noGrad = no_grad();
        return (a().detach(), b().detach());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var p in Parameters) p.Dispose();
    }
}
