using LowRank.Autograd;
using LowRank.Kernels.Cpu;
using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>Self-attention of one layer: projections, in one or in three; optional norms of queries and keys, rope, attention, output projection.</summary>
internal sealed class DecoderAttention
{
    private readonly DecoderSpec spec;
    private readonly int layer;
    private readonly long[] widths;

    /// <param name="spec">The model.</param>
    /// <param name="layer">The layer, from 0.</param>
    /// <param name="projections">Query, key and value, or all in one.</param>
    /// <param name="o">The output projection.</param>
    /// <param name="qNorm">The norm of the queries, or null.</param>
    /// <param name="kNorm">The norm of the keys, or null.</param>
    public DecoderAttention(DecoderSpec spec, int layer, LinearSlot[] projections, LinearSlot o, NormSlot? qNorm, NormSlot? kNorm)
    {
        (this.spec, this.layer) = (spec, layer);
        (Projections, o_proj, q_norm, k_norm) = (projections, o, qNorm, kNorm);
        widths = [spec.Heads * spec.HeadSize, spec.KeyValueHeads * spec.HeadSize, spec.KeyValueHeads * spec.HeadSize];
    }

    /// <summary>The projections of queries, keys and values, in this order; a single one where they are fused.</summary>
    public LinearSlot[] Projections { get; }

    public LinearSlot o_proj { get; }

    public NormSlot? q_norm { get; }

    public NormSlot? k_norm { get; }

    /// <summary>Maps <paramref name="x"/> <c>[batch, sequence, hidden]</c> to the same shape.</summary>
    public Tensor Forward(Tensor x, DecoderPass pass)
    {
        using var scope = NewDisposeScope();
        var projected = SharedInput.Forward(x, Projections);
        if (projected.Length == 1) projected = [.. projected[0].split(widths, -1).Select(part => part.contiguous())];
        var (q, k, v) = (projected[0], projected[1], projected[2]);
        if (q_norm is not null) q = q_norm.Forward(spec.QueryKeyNorm == QueryKeyNorm.EachHead ? Split(q, spec.Heads) : q);
        if (k_norm is not null) k = k_norm.Forward(spec.QueryKeyNorm == QueryKeyNorm.EachHead ? Split(k, spec.KeyValueHeads) : k);
        return o_proj.Forward(Attend(q, k, v, pass)).MoveToOuterDisposeScope();
    }

    // Whole sequences by a node of their own and new tokens over a cache by its kernel, where there is one for the tensors; by operations of tensors on other devices and in other types.
    private Tensor Attend(Tensor q, Tensor k, Tensor v, DecoderPass pass)
    {
        var window = spec.Windows[layer];
        var angles = pass.Angles(layer);
        if (pass.Input.Cache is null && AttentionNode.Handles(q, k, v) && pass.Input.Layout.Seen(window) is { } seen)
        {
            var shape = new AttentionShape((int)q.shape[0], (int)q.shape[1], (int)spec.Heads, (int)spec.KeyValueHeads, (int)spec.HeadSize,
                (float)spec.AttentionScale, (float)(spec.AttentionSoftCap ?? 0));
            return AttentionNode.Apply(q, k, v, angles.Cos, angles.Sin, seen, shape);
        }
        if (CachedAttention.Handles(pass.Input, q, k, v)) return CachedAttention.Attend(spec, layer, q, k, v, pass);
        (q, k, v) = (Rotated(q, spec.Heads, angles), Rotated(k, spec.KeyValueHeads, angles), Split(v, spec.KeyValueHeads).transpose(1, 2));
        if (pass.Input.Cache is { } cache) (k, v) = cache.Append(layer, k, v, pass.Input.Positions, pass.Input.CachedPlaces);
        return AttentionCore.Attend(q, k, v, pass.Input.Layout.Mask(window), spec.AttentionScale, spec.AttentionSoftCap);
    }

    private Tensor Rotated(Tensor projected, long heads, (Tensor Cos, Tensor Sin) angles)
    {
        // A layer without rope.
        if (angles.Cos.shape[^1] == 0) return Split(projected, heads).transpose(1, 2);
        return RotaryNode.Handles(projected, angles.Cos) ? Split(RotaryNode.Apply(projected, angles.Cos, angles.Sin, (int)spec.HeadSize), heads).transpose(1, 2)
            : RotaryEmbedding.Rotate(Split(projected, heads).transpose(1, 2), angles);
    }

    // [batch, sequence, heads · size], or already in heads, to [batch, sequence, heads, size]
    private Tensor Split(Tensor projected, long heads) => projected.view(projected.shape[0], projected.shape[1], heads, spec.HeadSize);
}
