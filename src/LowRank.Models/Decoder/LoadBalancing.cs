using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// The load-balancing loss of a mixture of experts (arXiv:2101.03961, equations 4 to 6), over all layers together as transformers computes it
/// (<c>load_balancing_loss_func</c> of <c>modeling_mixtral.py</c>): experts · Σ share of tokens · mean probability. It is the number of experts that a token passes where all are used alike.
/// </summary>
internal static class LoadBalancing
{
    /// <summary>The loss, a scalar with a gradient for the logits.</summary>
    /// <param name="routerLogits">fp32 <c>[tokens, experts]</c> of each layer with experts.</param>
    /// <param name="perToken">Experts that a token passes.</param>
    public static Tensor Loss(IReadOnlyList<Tensor> routerLogits, int perToken)
    {
        using var scope = NewDisposeScope();
        var probabilities = nn.functional.softmax(cat([.. routerLogits], 0), -1);
        var experts = probabilities.shape[^1];
        var chosen = probabilities.topk(perToken, -1, largest: true, sorted: true).indexes;
        var share = nn.functional.one_hot(chosen, experts).to(ScalarType.Float32).mean([0]);
        return ((share * probabilities.mean([0]).unsqueeze(0)).sum() * Scalars.Of(experts)).MoveToOuterDisposeScope();
    }
}
