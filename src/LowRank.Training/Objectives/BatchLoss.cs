using LowRank.Training.Objectives.Preferences;

namespace LowRank.Training.Objectives;

/// <summary>What a batch gave.</summary>
/// <param name="Loss">Its loss: a sum over terms in training, the mean in an evaluation.</param>
/// <param name="Preferences">What became of its preferences; all zero where there are none.</param>
internal readonly record struct BatchLoss(double Loss, PreferenceSums Preferences = default)
{
    public static BatchLoss operator +(BatchLoss a, BatchLoss b) => new(a.Loss + b.Loss, a.Preferences + b.Preferences);
}
