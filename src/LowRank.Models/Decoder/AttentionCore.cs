using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// Attention by operations of tensors: softmax(scale · q · kᵀ, capped and masked) · v, with grouped heads. It serves caches, other dtypes and other devices; whole sequences in fp32 on the
/// CPU go through <see cref="Autograd.AttentionNode"/>. <see cref="DecoderAttention"/> is the one place that chooses.
/// </summary>
internal static class AttentionCore
{
    /// <summary>
    /// Attends with <paramref name="q"/> <c>[batch, heads, queries, size]</c> over <paramref name="k"/> and <paramref name="v"/>
    /// <c>[batch, keyValueHeads, keys, size]</c>. The result is <c>[batch, queries, heads · size]</c>.
    /// </summary>
    /// <param name="q">Queries.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="mask">0 or −∞, <c>[batch or 1, 1, queries, keys]</c>; null for plain causality.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="softCap">c of c·tanh(score / c), or null.</param>
    public static Tensor Attend(Tensor q, Tensor k, Tensor v, Tensor? mask, double scale, double? softCap)
    {
        using var scope = NewDisposeScope();
        long batch = q.shape[0], heads = q.shape[1], queries = q.shape[2], size = q.shape[3];
        var group = heads / k.shape[1];
        // One new token over a cache: the query heads of a group stand as queries of one head, so that keys and values need not be repeated.
        if (queries == 1 && group > 1 && mask is not null)
        {
            var grouped = q.reshape(batch, k.shape[1], group, size);
            var one = softCap is { } c ? Capped(grouped, k, v, mask, scale, c) : Fused(grouped, k, v, mask.expand(mask.shape[0], 1, group, mask.shape[3]), scale);
            return one.reshape(batch, 1, heads * size).MoveToOuterDisposeScope();
        }
        if (group > 1) (k, v) = (RepeatHeads(k, group), RepeatHeads(v, group));
        var attended = softCap is { } cap ? Capped(q, k, v, mask, scale, cap) : Fused(q, k, v, mask, scale);
        return attended.transpose(1, 2).reshape(batch, queries, heads * size).MoveToOuterDisposeScope();
    }

    // libtorch's fused attention scales by 1/sqrt(size) itself: what differs goes into the queries.
    private static Tensor Fused(Tensor q, Tensor k, Tensor v, Tensor? mask, double scale)
    {
        var factor = scale * Math.Sqrt(q.shape[3]);
        var scaled = Math.Abs(factor - 1) < 1e-12 ? q : q * Scalars.Of(factor);
        var cast = mask is null || mask.dtype == q.dtype ? mask : mask.to(q.dtype);
        return nn.functional.scaled_dot_product_attention(scaled, k, v, cast, 0.0, mask is null && q.shape[2] > 1);
    }

    private static Tensor Capped(Tensor q, Tensor k, Tensor v, Tensor? mask, double scale, double cap)
    {
        var scores = (q.matmul(k.transpose(-1, -2)) * Scalars.Of(scale / cap)).tanh() * Scalars.Of(cap);
        if (mask is not null) scores = scores.add(mask, Scalars.One);
        else if (q.shape[2] > 1)
        {
            var later = ones([q.shape[2], k.shape[2]], ScalarType.Bool, q.device).triu(1);
            scores = scores.masked_fill(later, Scalars.Of(double.NegativeInfinity));
        }
        return nn.functional.softmax(scores.to(ScalarType.Float32), -1).to(q.dtype).matmul(v);
    }

    private static Tensor RepeatHeads(Tensor t, long group)
    {
        var s = t.shape;
        return t.unsqueeze(2).expand(s[0], s[1], group, s[2], s[3]).reshape(s[0], s[1] * group, s[2], s[3]);
    }
}
