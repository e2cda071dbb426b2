namespace LowRank.Training.Objectives.Preferences;

/// <summary>What a loss says of a pair.</summary>
/// <param name="Loss">The loss.</param>
/// <param name="ChosenGradient">Its derivative by the summed log-probability of the better answer.</param>
/// <param name="RejectedGradient">By that of the other one.</param>
/// <param name="ChosenReward">The implicit reward of the better answer, as TRL reports it.</param>
/// <param name="RejectedReward">That of the other one.</param>
internal readonly record struct PairLoss(double Loss, double ChosenGradient, double RejectedGradient, double ChosenReward, double RejectedReward);
