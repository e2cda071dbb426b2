using LowRank.Training.Objectives.Preferences;

namespace LowRank.Training.Objectives.Kto;

/// <summary>What KTO's loss says of a batch.</summary>
/// <param name="Loss">Summed over answers.</param>
/// <param name="Sums">Rewards.</param>
/// <param name="Gradients">For each sequence the derivative of <paramref name="Loss"/> by its log-probability.</param>
internal readonly record struct KtoJudgement(double Loss, PreferenceSums Sums, double[] Gradients)
{
    /// <summary>The derivative of a step's mean loss by the loss of each token.</summary>
    /// <param name="tokens">The tokens of the batch.</param>
    /// <param name="answers">Answers of the step.</param>
    public float[] Weights(BatchTokens tokens, long answers)
    {
        var weights = new float[tokens.Sequences.Length];
        for (var i = 0; i < weights.Length; i++) weights[i] = (float)(-Gradients[tokens.Sequences[i]] / answers);
        return weights;
    }
}
