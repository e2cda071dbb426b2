using LowRank.Layers;
using LowRank.Runtime.Interop;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>One layer: x + m · attention(norm(x)), then x + m · mlp(norm(x)); with norms before both blocks, after them, or both, as the spec says, and m its residual multiplier.</summary>
internal sealed class DecoderLayer(double multiplier, DecoderAttention attention, FeedForward mlp, NormSlot? beforeAttention, NormSlot? beforeMlp, NormSlot? afterAttention, NormSlot? afterMlp)
{
    public DecoderAttention Attention { get; } = attention;

    public FeedForward Mlp { get; } = mlp;

    public NormSlot? BeforeAttention { get; } = beforeAttention;

    public NormSlot? BeforeMlp { get; } = beforeMlp;

    public NormSlot? AfterAttention { get; } = afterAttention;

    public NormSlot? AfterMlp { get; } = afterMlp;

    /// <summary>Whether anything in the layer is trained.</summary>
    public bool IsTrained => Slots().Any(s => s.IsTrained);

    /// <summary>Maps <paramref name="x"/> <c>[batch, sequence, hidden]</c> to the same shape.</summary>
    public Tensor Forward(Tensor x, DecoderPass pass)
    {
        using var scope = NewDisposeScope();
        x = Added(x, Attention.Forward(BeforeAttention?.Forward(x) ?? x, pass), AfterAttention);
        return Added(x, Mlp.Forward(BeforeMlp?.Forward(x) ?? x, pass), AfterMlp).MoveToOuterDisposeScope();
    }

    // In place: what an output projection or a norm gives is kept by no gradient, and the sum needs no memory of its own.
    private Tensor Added(Tensor x, Tensor given, NormSlot? norm)
    {
        if (norm is not null) given = norm.Forward(given);
        if (multiplier != 1) given = given.mul_(Scalars.Of(multiplier));
        return given.add_(x, Scalars.One);
    }

    /// <summary>All named places of the layer, in the order of Hugging Face's modules.</summary>
    public IEnumerable<ModuleSlot> Slots()
    {
        foreach (var projection in Attention.Projections) yield return projection;
        yield return Attention.o_proj;
        if (Attention.q_norm is { } q) yield return q;
        if (Attention.k_norm is { } k) yield return k;
        foreach (var linear in Mlp.Slots()) yield return linear;
        foreach (var parameter in Mlp.Parameters()) yield return parameter;
        if (BeforeAttention is not null) yield return BeforeAttention;
        if (AfterAttention is not null) yield return AfterAttention;
        if (BeforeMlp is not null) yield return BeforeMlp;
        if (AfterMlp is not null) yield return AfterMlp;
    }
}
