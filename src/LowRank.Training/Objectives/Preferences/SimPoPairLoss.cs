using static LowRank.Training.Objectives.Preferences.Logistic;

namespace LowRank.Training.Objectives.Preferences;

/// <summary>SimPO: -log σ(β (mean log-probability of the better answer's tokens - that of the other's) - γ) (arXiv:2405.14734, equation 6).</summary>
internal sealed class SimPoPairLoss(double beta, double gamma) : IPairLoss
{
    public bool NeedsReference => false;

    public PairLoss Of(in PairLogProbabilities pair)
    {
        var (chosen, rejected) = (beta * pair.Chosen / pair.ChosenTokens, beta * pair.Rejected / pair.RejectedTokens);
        var z = chosen - rejected - gamma;
        var slope = -beta * Sigmoid(-z);
        return new PairLoss(-LogSigmoid(z), slope / pair.ChosenTokens, -slope / pair.RejectedTokens, chosen, rejected);
    }
}
