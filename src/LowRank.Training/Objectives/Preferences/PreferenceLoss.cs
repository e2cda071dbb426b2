using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Objectives.Preferences;

/// <summary>
/// The loss of a batch of preferences over the states that predict its tokens: a loss of each pair, and with a weight that of the better answers' own tokens. The loss of a pair is a
/// function of its answers' summed log-probabilities, so it says of each answer how much its tokens weigh in the gradient. The logits never exist as a whole.
/// </summary>
internal sealed class PreferenceLoss
{
    private readonly IPairLoss pairLoss;
    private readonly double answerWeight;
    // ORPO learns all of the better text, the prompt too (as TRL has it).
    private readonly bool learnsPrompt;

    /// <param name="options">The form of the loss.</param>
    public PreferenceLoss(ObjectiveOptions options)
    {
        pairLoss = options.Kind switch
        {
            ObjectiveKind.Dpo => new DpoPairLoss(options.DpoLoss, options.Beta, options.LabelSmoothing),
            ObjectiveKind.Orpo => new OrpoPairLoss(options.Beta),
            ObjectiveKind.SimPo => new SimPoPairLoss(options.Beta, options.Gamma),
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Kind, "no loss of preferences"),
        };
        learnsPrompt = options.Kind == ObjectiveKind.Orpo;
        answerWeight = learnsPrompt ? 1 : options.AnswerWeight;
    }

    /// <summary>Whether it compares with a reference model.</summary>
    public bool NeedsReference => pairLoss.NeedsReference;

    /// <summary>The tokens that it looks at.</summary>
    public BatchTokens Tokens(Batch batch) => BatchTokens.Of(batch, learnsPrompt ? batch.Pairs : 0);

    /// <summary>What the sums of a step are divided by.</summary>
    public StepTotals Totals(IReadOnlyList<Batch> step) => new(step.Sum(b => (long)b.Pairs), answerWeight == 0 ? 0 : step.Sum(b => Tokens(b).Sequences.LongCount(sequence => sequence < b.Pairs)));

    /// <summary>Judges a batch by the losses of its tokens.</summary>
    public PreferenceJudgement Judge(Batch batch, BatchTokens tokens, ReadOnlySpan<double> losses, ReadOnlySpan<(double, double)> references) =>
        PreferenceJudgement.Of(pairLoss, batch, tokens, losses, references);

    /// <summary>What a batch adds to its step's loss, times the step's pairs: the mean over answer tokens counts as often as there are pairs.</summary>
    public double Sum(in PreferenceJudgement judged, StepTotals totals) => judged.Loss + answerWeight * judged.AnswerLoss / Math.Max(1, totals.AnswerTokens) * totals.Terms;

    /// <summary>The judgement of a batch, and the gradient of its step's loss for the states <c>[tokens, hidden]</c>. Gradients of parameters in the head are added to theirs.</summary>
    /// <param name="states">The states that predict <paramref name="tokens"/>.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="references">The reference's log-probabilities of each pair; empty where there is none.</param>
    /// <param name="totals">What the step's sums are divided by.</param>
    /// <param name="vocabulary">Rows of the head.</param>
    /// <param name="logits">Maps states to fp32 logits.</param>
    /// <param name="isHeadTrained">Whether parameters of the head get gradients.</param>
    public (PreferenceJudgement Judged, Tensor Gradient) Gradient(
        Tensor states, Batch batch, BatchTokens tokens, ReadOnlySpan<(double, double)> references, StepTotals totals, long vocabulary, Func<Tensor, Tensor> logits, bool isHeadTrained)
    {
        var (judged, known) = (default(PreferenceJudgement), references.ToArray());
        var gradient = WeighedTokens.Gradient(states, tokens, vocabulary, logits, isHeadTrained, losses => (judged = Judge(batch, tokens, losses, known)).Weights(tokens, batch.Pairs, totals, answerWeight));
        return (judged, gradient);
    }
}
