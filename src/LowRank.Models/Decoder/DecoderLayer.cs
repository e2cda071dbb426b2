using LowRank.Layers;
using LowRank.Runtime.Interop;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>One layer: x + attention(norm(x)), then x + mlp(norm(x)); with norms after both blocks where the spec says so.</summary>
internal sealed class DecoderLayer(DecoderAttention attention, DecoderMlp mlp, NormSlot beforeAttention, NormSlot beforeMlp, NormSlot? afterAttention, NormSlot? afterMlp)
{
    public DecoderAttention Attention { get; } = attention;

    public DecoderMlp Mlp { get; } = mlp;

    public NormSlot BeforeAttention { get; } = beforeAttention;

    public NormSlot BeforeMlp { get; } = beforeMlp;

    public NormSlot? AfterAttention { get; } = afterAttention;

    public NormSlot? AfterMlp { get; } = afterMlp;

    /// <summary>Whether anything in the layer is trained.</summary>
    public bool IsTrained => Slots().Any(s => s.IsTrained);

    /// <summary>Maps <paramref name="x"/> <c>[batch, sequence, hidden]</c> to the same shape.</summary>
    public Tensor Forward(Tensor x, DecoderPass pass)
    {
        using var scope = NewDisposeScope();
        var attended = Attention.Forward(BeforeAttention.Forward(x), pass);
        if (AfterAttention is not null) attended = AfterAttention.Forward(attended);
        // In place: what an output projection or a norm gives is kept by no gradient, and the sum needs no memory of its own.
        x = attended.add_(x, Scalars.One);
        var thought = Mlp.Forward(BeforeMlp.Forward(x));
        if (AfterMlp is not null) thought = AfterMlp.Forward(thought);
        return thought.add_(x, Scalars.One).MoveToOuterDisposeScope();
    }

    /// <summary>All named places of the layer, in the order of Hugging Face's modules.</summary>
    public IEnumerable<ModuleSlot> Slots()
    {
        yield return Attention.q_proj;
        yield return Attention.k_proj;
        yield return Attention.v_proj;
        yield return Attention.o_proj;
        if (Attention.q_norm is { } q) yield return q;
        if (Attention.k_norm is { } k) yield return k;
        yield return Mlp.gate_proj;
        yield return Mlp.up_proj;
        yield return Mlp.down_proj;
        yield return BeforeAttention;
        if (AfterAttention is not null) yield return AfterAttention;
        yield return BeforeMlp;
        if (AfterMlp is not null) yield return AfterMlp;
    }
}
