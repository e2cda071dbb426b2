using LowRank.Training.Objectives.Preferences;
using TorchSharp;
using static LowRank.Training.Objectives.Preferences.Logistic;

namespace LowRank.Training.Objectives.Kto;

/// <summary>
/// KTO's loss (arXiv:2402.01306, equation 7, as TRL computes it): of a good answer w₊ (1 - σ(β (r - z))), of a bad one w₋ (1 - σ(β (z - r))), with r the logarithm of how much
/// likelier the answer is to the policy than to the reference, and z the reference point, which is a constant to the gradient. A step's loss is the mean over its answers.
/// </summary>
internal sealed class KtoLoss(ObjectiveOptions options)
{
    /// <summary>The loss of an answer and its derivative.</summary>
    /// <param name="logRatio">r.</param>
    /// <param name="isGood">Whether the answer is a good one.</param>
    /// <param name="kl">z.</param>
    public KtoTerm Of(double logRatio, bool isGood, double kl)
    {
        var lead = options.Beta * (logRatio - kl);
        var (weight, side) = isGood ? (options.DesirableWeight, 1) : (options.UndesirableWeight, -1);
        // 1 - σ(x) = σ(-x), whose derivative is -σ(x) σ(-x).
        return new KtoTerm(weight * Sigmoid(-side * lead), -side * weight * options.Beta * Sigmoid(lead) * Sigmoid(-lead), options.Beta * logRatio, side * lead > 0);
    }

    /// <summary>The reference point: how far the policy has moved from the reference, on average over answers that do not belong to their prompts; never below 0.</summary>
    /// <param name="policy">The policy's log-probabilities of the answers.</param>
    /// <param name="reference">The reference's.</param>
    public static double ReferencePoint(ReadOnlySpan<double> policy, ReadOnlySpan<double> reference)
    {
        var sum = 0.0;
        for (var i = 0; i < policy.Length; i++) sum += policy[i] - reference[i];
        return Math.Max(0, sum / policy.Length);
    }

    /// <summary>Judges a batch by the losses of its tokens.</summary>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="losses">The loss of each token: minus its log-probability.</param>
    /// <param name="areGood">For each sequence whether it is a good answer.</param>
    /// <param name="references">The reference's log-probability of each sequence.</param>
    /// <param name="kl">The reference point.</param>
    public KtoJudgement Judge(BatchTokens tokens, ReadOnlySpan<double> losses, IReadOnlyList<bool> areGood, IReadOnlyList<double> references, double kl)
    {
        var sums = tokens.SumBySequence(losses, areGood.Count);
        var (total, judged, gradients) = (0.0, default(PreferenceSums), new double[areGood.Count]);
        for (var i = 0; i < gradients.Length; i++)
        {
            var term = Of(-sums[i] - references[i], areGood[i], kl);
            (total, gradients[i], judged) = (total + term.Loss, term.Gradient, judged.With(term, areGood[i], kl));
        }
        return new KtoJudgement(total, judged, gradients);
    }

    /// <summary>The judgement of a batch, and the gradient of its step's loss for the states <c>[tokens, hidden]</c>. Gradients of parameters in the head are added to theirs.</summary>
    /// <param name="states">The states that predict <paramref name="tokens"/>.</param>
    /// <param name="tokens">The batch's tokens.</param>
    /// <param name="areGood">For each sequence whether it is a good answer.</param>
    /// <param name="references">The reference's log-probability of each sequence.</param>
    /// <param name="totals">What the step's sums are divided by, and its reference point.</param>
    /// <param name="vocabulary">Rows of the head.</param>
    /// <param name="logits">Maps states to fp32 logits.</param>
    /// <param name="isHeadTrained">Whether parameters of the head get gradients.</param>
    public (KtoJudgement Judged, torch.Tensor Gradient) Gradient(
        torch.Tensor states, BatchTokens tokens, IReadOnlyList<bool> areGood, IReadOnlyList<double> references, StepTotals totals, long vocabulary, Func<torch.Tensor, torch.Tensor> logits, bool isHeadTrained)
    {
        var judged = default(KtoJudgement);
        var gradient = WeighedTokens.Gradient(states, tokens, vocabulary, logits, isHeadTrained, losses => (judged = Judge(tokens, losses, areGood, references, totals.Kl)).Weights(tokens, totals.Terms));
        return (judged, gradient);
    }
}
