using LowRank.Training.Packing;

namespace LowRank.Training.Objectives.Preferences;

/// <summary>What a loss says of a batch of preferences.</summary>
/// <param name="Loss">Summed over pairs.</param>
/// <param name="AnswerLoss">The better answers' own loss, summed over its tokens.</param>
/// <param name="Sums">Rewards.</param>
/// <param name="Gradients">For each sequence the derivative of <paramref name="Loss"/> by its log-probability.</param>
internal readonly record struct PreferenceJudgement(double Loss, double AnswerLoss, PreferenceSums Sums, double[] Gradients)
{
    /// <summary>Judges a batch.</summary>
    /// <param name="loss">The loss.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="losses">The loss of each token: minus its log-probability.</param>
    /// <param name="references">The reference's log-probabilities of each pair; empty where there is none.</param>
    public static PreferenceJudgement Of(IPairLoss loss, Batch batch, BatchTokens tokens, ReadOnlySpan<double> losses, ReadOnlySpan<(double, double)> references)
    {
        var sums = tokens.SumBySequence(losses, batch.Rows);
        var counts = new int[batch.Rows];
        var own = 0.0;
        for (var i = 0; i < losses.Length; i++)
        {
            if (tokens.AreLabels[i]) counts[tokens.Sequences[i]]++;
            if (tokens.Sequences[i] < batch.Pairs) own += losses[i];
        }
        var (total, gradients, preferences) = (0.0, new double[batch.Rows], default(PreferenceSums));
        for (var p = 0; p < batch.Pairs; p++)
        {
            var other = batch.Pairs + p;
            var judged = loss.Of(new PairLogProbabilities(-sums[p], -sums[other], counts[p], counts[other], references.IsEmpty ? default : references[p]));
            (total, gradients[p], gradients[other], preferences) = (total + judged.Loss, judged.ChosenGradient, judged.RejectedGradient, preferences.With(judged));
        }
        return new PreferenceJudgement(total, own, preferences, gradients);
    }

    /// <summary>The derivative of a step's loss by the loss of each token.</summary>
    /// <param name="tokens">The tokens of the batch.</param>
    /// <param name="pairs">Pairs of the batch.</param>
    /// <param name="totals">Pairs and tokens of better answers in the step.</param>
    /// <param name="answerWeight">Weight of the better answers' own loss per token.</param>
    public float[] Weights(BatchTokens tokens, int pairs, StepTotals totals, double answerWeight)
    {
        var (weights, own) = (new float[tokens.Sequences.Length], answerWeight / Math.Max(1, totals.AnswerTokens));
        for (var i = 0; i < weights.Length; i++)
        {
            var sequence = tokens.Sequences[i];
            weights[i] = (float)((tokens.AreLabels[i] ? -Gradients[sequence] / totals.Terms : 0) + (sequence < pairs ? own : 0));
        }
        return weights;
    }
}
