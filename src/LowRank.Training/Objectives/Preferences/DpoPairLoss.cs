using static LowRank.Training.Objectives.Preferences.Logistic;

namespace LowRank.Training.Objectives.Preferences;

/// <summary>DPO's losses over a reference.</summary>
/// <param name="kind">The form; its formulas stand there.</param>
/// <param name="beta">β.</param>
/// <param name="smoothing">ε of the sigmoid and robust forms.</param>
internal sealed class DpoPairLoss(DpoLoss kind, double beta, double smoothing) : IPairLoss
{
    public bool NeedsReference => true;

    public PairLoss Of(in PairLogProbabilities pair)
    {
        var (loss, chosen, rejected) = kind == DpoLoss.Ipo ? Squared(pair) : Sided(pair);
        return new PairLoss(loss, chosen, rejected, beta * pair.ChosenRatio, beta * pair.RejectedRatio);
    }

    private (double Loss, double Chosen, double Rejected) Sided(in PairLogProbabilities pair)
    {
        var z = beta * (pair.ChosenRatio - pair.RejectedRatio);
        // d log σ(z) = σ(-z), d log σ(-z) = -σ(z).
        var (loss, slope) = kind switch
        {
            DpoLoss.Hinge => (Math.Max(0, 1 - z), z < 1 ? -1 : 0),
            DpoLoss.Robust => ((-(1 - smoothing) * LogSigmoid(z) + smoothing * LogSigmoid(-z)) / (1 - 2 * smoothing), (-(1 - smoothing) * Sigmoid(-z) - smoothing * Sigmoid(z)) / (1 - 2 * smoothing)),
            _ => (-(1 - smoothing) * LogSigmoid(z) - smoothing * LogSigmoid(-z), -(1 - smoothing) * Sigmoid(-z) + smoothing * Sigmoid(z)),
        };
        return (loss, beta * slope, -beta * slope);
    }

    private (double Loss, double Chosen, double Rejected) Squared(in PairLogProbabilities pair)
    {
        var excess = pair.ChosenRatio / pair.ChosenTokens - pair.RejectedRatio / pair.RejectedTokens - 1 / (2 * beta);
        return (excess * excess, 2 * excess / pair.ChosenTokens, -2 * excess / pair.RejectedTokens);
    }
}
