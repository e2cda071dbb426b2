using LowRank.Layers;
using LowRank.Runtime.Interop;
using static TorchSharp.torch;

namespace LowRank.Adapters.Lora;

/// <summary>
/// Low-rank adaptation of a token table, with PEFT's shapes: A <c>[r, vocabulary]</c>, B <c>[hidden, r]</c>; a token's vector gains
/// <c>s · A[:, token]ᵀ Bᵀ</c>. There is no dropout.
/// </summary>
/// <param name="a">A; this object owns it.</param>
/// <param name="b">B; this object owns it.</param>
/// <param name="scaling">s.</param>
public sealed class LoraEmbeddingAdapter(TrainableParameter a, TrainableParameter b, double scaling) : IDisposable
{
    /// <summary>A, <c>[r, vocabulary]</c>.</summary>
    public TrainableParameter A { get; } = a;

    /// <summary>B, <c>[hidden, r]</c>.</summary>
    public TrainableParameter B { get; } = b;

    /// <summary>The factor s of the update.</summary>
    public double Scaling { get; } = scaling;

    /// <summary>What the vectors of <paramref name="ids"/> <c>[batch, sequence]</c> gain: fp32 <c>[batch, sequence, hidden]</c>.</summary>
    public Tensor Update(Tensor ids)
    {
        using var scope = NewDisposeScope();
        var columns = A.Value.index_select(1, ids.reshape(-1));
        var update = columns.t().mm(B.Value.t()) * Scalars.Of(Scaling);
        return update.view([.. ids.shape, B.Shape[0]]).MoveToOuterDisposeScope();
    }

    /// <summary>What merging adds to the table: fp32 <c>[vocabulary, hidden]</c>, without a graph.</summary>
    public Tensor Delta()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return (B.Value.mm(A.Value).t() * Scalars.Of(Scaling)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }
}
