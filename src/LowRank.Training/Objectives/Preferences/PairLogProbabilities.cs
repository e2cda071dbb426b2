namespace LowRank.Training.Objectives.Preferences;

/// <summary>The log-probabilities of two answers to one prompt, each the sum over its tokens.</summary>
/// <param name="Chosen">Of the better answer by the policy.</param>
/// <param name="Rejected">Of the other one.</param>
/// <param name="ChosenTokens">Tokens of the better answer.</param>
/// <param name="RejectedTokens">Tokens of the other one.</param>
/// <param name="Reference">Of both by the reference; zeros where there is none.</param>
internal readonly record struct PairLogProbabilities(double Chosen, double Rejected, int ChosenTokens, int RejectedTokens, (double Chosen, double Rejected) Reference = default)
{
    /// <summary>How much likelier the better answer is to the policy than to the reference.</summary>
    public double ChosenRatio => Chosen - Reference.Chosen;

    /// <summary>The same of the other answer.</summary>
    public double RejectedRatio => Rejected - Reference.Rejected;
}
