using System.Runtime.InteropServices;
using LowRank.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// A mixture of experts: a router in fp32 gives each token a probability for each expert, and the token's output is the sum of those of the likeliest experts, weighted. Tokens are
/// put in the order of their experts, so that each expert multiplies its own in one product.
/// </summary>
/// <remarks>
/// Every matrix of every expert stands in a slot of its own, under its name in the checkpoint: that is where an adapter goes on an expert. An adapter over a parameter of all experts
/// together (<see cref="ExpertsSlot"/>) puts one <see cref="Adapters.AdaptedLinear"/> with its part of A and B into each slot of <see cref="Experts"/>.
/// </remarks>
/// <param name="spec">How many experts a token passes, and how they are weighted.</param>
/// <param name="router">The router, <c>[experts, hidden]</c>.</param>
/// <param name="experts">The experts.</param>
/// <param name="parameters">The experts' matrices of one kind together, where an adapter may stand for all.</param>
internal sealed class MixtureOfExperts(ExpertsSpec spec, LinearSlot router, DecoderMlp[] experts, ExpertsSlot[] parameters) : FeedForward
{
    /// <summary>The router.</summary>
    public LinearSlot Router { get; } = router;

    /// <summary>The experts, each a gated MLP.</summary>
    public IReadOnlyList<DecoderMlp> Experts => experts;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, DecoderPass pass)
    {
        using var scope = NewDisposeScope();
        var rows = x.reshape(-1, x.shape[^1]);
        var logits = Router.Forward(rows.to(ScalarType.Float32));
        pass.ObserveRouter(logits);
        var (weights, chosen) = nn.functional.softmax(logits, -1).topk(spec.PerToken, -1, largest: true, sorted: true);
        if (spec.NormalizesWeights) weights = weights / weights.sum(-1, keepdim: true);

        var (order, counts) = Grouped(chosen);
        var places = tensor(order, device: x.device);
        // Entry n of the order is the pair of token n / perToken and one of its experts.
        var inputs = rows.index_select(0, tensor(Array.ConvertAll(order, n => n / spec.PerToken), device: x.device));
        // One split, whose gradient is one concatenation.
        var parts = inputs.split(counts, 0);
        var outputs = Through(parts, counts);
        var weighted = cat(outputs, 0) * weights.reshape(-1).index_select(0, places).unsqueeze(-1).to(x.dtype);
        // Back in the order of the tokens, the outputs of one token side by side.
        var back = weighted.index_select(0, tensor(Inverse(order), device: x.device));
        return back.view(-1, spec.PerToken, x.shape[^1]).sum(1).view(x.shape).MoveToOuterDisposeScope();
    }

    private List<Tensor> Through(Tensor[] parts, long[] counts)
    {
        var cuts = parameters.Where(p => p.Adapter is not null).Select(p => p.Adapter!.Cut()).ToList();
        try
        {
            var outputs = new List<Tensor>();
            for (var i = 0; i < experts.Length; i++)
                if (counts[i] > 0) outputs.Add(experts[i].Forward(parts[i]));
            return outputs;
        }
        finally
        {
            foreach (var cut in cuts) cut?.Dispose();
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<ExpertsSlot> Parameters() => parameters;

    /// <inheritdoc/>
    public override IEnumerable<LinearSlot> Slots() => [Router, .. experts.SelectMany(e => e.Slots())];

    // The pairs of token and chosen expert in the order of the experts, those of one in the order of the tokens; and how many each has.
    private (long[] Order, long[] Counts) Grouped(Tensor chosen)
    {
        using var here = chosen.cpu();
        using var dense = here.contiguous();
        var expertOf = MemoryMarshal.Cast<byte, long>(dense.bytes);
        var counts = new long[experts.Length];
        foreach (var e in expertOf) counts[e]++;
        var next = new long[experts.Length];
        for (var i = 1; i < next.Length; i++) next[i] = next[i - 1] + counts[i - 1];
        var order = new long[expertOf.Length];
        for (var n = 0; n < order.Length; n++) order[next[expertOf[n]]++] = n;
        return (order, counts);
    }

    private static long[] Inverse(long[] order)
    {
        var inverse = new long[order.Length];
        for (var i = 0; i < order.Length; i++) inverse[order[i]] = i;
        return inverse;
    }
}
