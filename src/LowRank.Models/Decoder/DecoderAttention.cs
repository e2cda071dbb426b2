using LowRank.Autograd;
using LowRank.Kernels.Cpu;
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
        var projected = SharedInput.Forward(x, q_proj, k_proj, v_proj);
        var (q, k, v) = (projected[0], projected[1], projected[2]);
        if (q_norm is not null) q = q_norm.Forward(Split(q, spec.Heads));
        if (k_norm is not null) k = k_norm.Forward(Split(k, spec.KeyValueHeads));
        return o_proj.Forward(Attend(q, k, v, pass)).MoveToOuterDisposeScope();
    }

    // Whole sequences by a node of their own and new tokens over a cache by its kernel, where there is one for the tensors; by operations of tensors on other devices and in other types.
    private Tensor Attend(Tensor q, Tensor k, Tensor v, DecoderPass pass)
    {
        var window = spec.Windows[layer];
        if (pass.Input.Cache is null && AttentionNode.Handles(q, k, v) && pass.Input.Layout.FirstKeys(window) is { } first)
        {
            var shape = new AttentionShape((int)q.shape[0], (int)q.shape[1], (int)spec.Heads, (int)spec.KeyValueHeads, (int)spec.HeadSize,
                (float)spec.AttentionScale, (float)(spec.AttentionSoftCap ?? 0));
            return AttentionNode.Apply(q, k, v, pass.Angles.Cos, pass.Angles.Sin, first, shape);
        }
        if (CachedAttention.Handles(pass.Input, q, k, v)) return CachedAttention.Attend(spec, layer, q, k, v, pass);
        (q, k, v) = (Rotated(q, spec.Heads, pass), Rotated(k, spec.KeyValueHeads, pass), Split(v, spec.KeyValueHeads).transpose(1, 2));
        if (pass.Input.Cache is { } cache) (k, v) = cache.Append(layer, k, v, pass.Input.Positions, pass.Input.CachedPlaces);
        return AttentionCore.Attend(q, k, v, pass.Input.Layout.Mask(window), spec.AttentionScale, spec.AttentionSoftCap);
    }

    private Tensor Rotated(Tensor projected, long heads, DecoderPass pass) => RotaryNode.Handles(projected, pass.Angles.Cos)
        ? Split(RotaryNode.Apply(projected, pass.Angles.Cos, pass.Angles.Sin, (int)spec.HeadSize), heads).transpose(1, 2)
        : pass.Rope.Rotate(Split(projected, heads).transpose(1, 2), pass.Angles);

    // [batch, sequence, heads · size], or already in heads, to [batch, sequence, heads, size]
    private Tensor Split(Tensor projected, long heads) => projected.view(projected.shape[0], projected.shape[1], heads, spec.HeadSize);
}
