using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>Self-attention of one layer: projections, optional norms of query and key heads, rope, attention, output projection.</summary>
internal sealed class DecoderAttention
{
    private readonly DecoderSpec spec;
    private readonly int layer;

    public DecoderAttention(DecoderSpec spec, int layer, LinearSlot q, LinearSlot k, LinearSlot v, LinearSlot o, NormSlot? qNorm, NormSlot? kNorm)
    {
        (this.spec, this.layer) = (spec, layer);
        (q_proj, k_proj, v_proj, o_proj, q_norm, k_norm) = (q, k, v, o, qNorm, kNorm);
    }

    public LinearSlot q_proj { get; }

    public LinearSlot k_proj { get; }

    public LinearSlot v_proj { get; }

    public LinearSlot o_proj { get; }

    public NormSlot? q_norm { get; }

    public NormSlot? k_norm { get; }

    /// <summary>Maps <paramref name="x"/> <c>[batch, sequence, hidden]</c> to the same shape.</summary>
    public Tensor Forward(Tensor x, DecoderPass pass)
    {
        using var scope = NewDisposeScope();
        var q = Heads(q_proj.Forward(x), spec.Heads);
        var k = Heads(k_proj.Forward(x), spec.KeyValueHeads);
        var v = Heads(v_proj.Forward(x), spec.KeyValueHeads);
        if (q_norm is not null) q = q_norm.Forward(q);
        if (k_norm is not null) k = k_norm.Forward(k);
        q = pass.Rope.Rotate(q, pass.Angles);
        k = pass.Rope.Rotate(k, pass.Angles);
        if (pass.Input.Cache is { } cache) (k, v) = cache.Append(layer, k, v, pass.Input.Positions, pass.Input.CachedPlaces);
        var attended = AttentionCore.Attend(q, k, v, pass.Input.Layout.Mask(spec.Windows[layer]), spec.AttentionScale, spec.AttentionSoftCap);
        return o_proj.Forward(attended).MoveToOuterDisposeScope();
    }

    // [batch, sequence, heads · size] to [batch, heads, sequence, size]
    private Tensor Heads(Tensor projected, long heads) =>
        projected.view(projected.shape[0], projected.shape[1], heads, spec.HeadSize).transpose(1, 2);
}
