using static LowRank.Training.Objectives.Preferences.Logistic;

namespace LowRank.Training.Objectives.Preferences;

/// <summary>
/// ORPO's odds: -β log σ(log odds of the better answer - those of the other), odds p / (1 - p) of the mean probability of a token (arXiv:2403.07691, equation 7). The loss of the better
/// answer's own tokens is added by the objective.
/// </summary>
internal sealed class OrpoPairLoss(double beta) : IPairLoss
{
    // A probability of one has infinite odds; so near to it they stay finite, at 27 on the logarithm's scale.
    private const double Highest = -1e-12;

    public bool NeedsReference => false;

    public PairLoss Of(in PairLogProbabilities pair)
    {
        var (chosen, rejected) = (Math.Min(pair.Chosen / pair.ChosenTokens, Highest), Math.Min(pair.Rejected / pair.RejectedTokens, Highest));
        var (notChosen, notRejected) = (-double.ExpM1(chosen), -double.ExpM1(rejected));
        var odds = chosen - Math.Log(notChosen) - (rejected - Math.Log(notRejected));
        var slope = -beta * Sigmoid(-odds);
        return new PairLoss(-beta * LogSigmoid(odds), slope / notChosen / pair.ChosenTokens, -slope / notRejected / pair.RejectedTokens, beta * chosen, beta * rejected);
    }
}
