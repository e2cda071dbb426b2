using LowRank.Autograd;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Objectives;

/// <summary>The gradient of a loss that is a function of whole answers: what a token weighs in it is known when the losses of all tokens are. The logits never exist as a whole.</summary>
internal static class WeighedTokens
{
    /// <summary>The gradient for the states <c>[tokens, hidden]</c>. Gradients of parameters in the head are added to theirs.</summary>
    /// <param name="states">The states that predict <paramref name="tokens"/>.</param>
    /// <param name="tokens">The batch's tokens.</param>
    /// <param name="vocabulary">Rows of the head.</param>
    /// <param name="logits">Maps states to fp32 logits.</param>
    /// <param name="isHeadTrained">Whether parameters of the head get gradients.</param>
    /// <param name="weigh">Gives, for the losses of all tokens, the derivative of the step's loss by each.</param>
    public static Tensor Gradient(Tensor states, BatchTokens tokens, long vocabulary, Func<Tensor, Tensor> logits, bool isHeadTrained, Func<double[], float[]> weigh)
    {
        using var scope = NewDisposeScope();
        using var targets = tensor(tokens.Targets, device: states.device);
        // Over a frozen head the gradients of the states can be multiplied afterwards, and the logits are computed once.
        (double[] Losses, Tensor Gradient)? unweighted = isHeadTrained ? null : ChunkedCrossEntropy.LossesAndGradient(states, targets, vocabulary, logits, null);
        var weights = tensor(weigh(unweighted?.Losses ?? ChunkedCrossEntropy.Losses(states, targets, vocabulary, logits)), device: states.device);
        var gradient = unweighted is { Gradient: var rows } ? rows.mul_(weights.unsqueeze(1).to(rows.dtype)) : ChunkedCrossEntropy.LossesAndGradient(states, targets, vocabulary, logits, weights).Gradient;
        return gradient.MoveToOuterDisposeScope();
    }
}
