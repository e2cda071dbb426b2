using LowRank.Training.Events;

namespace LowRank.Training.Objectives.Preferences;

/// <summary>What became of preferences, as sums over pairs.</summary>
/// <param name="Pairs">Pairs.</param>
/// <param name="ChosenReward">Rewards of the better answers.</param>
/// <param name="RejectedReward">Rewards of the others.</param>
/// <param name="Right">Pairs whose better answer has the higher reward.</param>
internal readonly record struct PreferenceSums(long Pairs, double ChosenReward, double RejectedReward, long Right)
{
    public static PreferenceSums operator +(PreferenceSums a, PreferenceSums b) => new(a.Pairs + b.Pairs, a.ChosenReward + b.ChosenReward, a.RejectedReward + b.RejectedReward, a.Right + b.Right);

    /// <summary>With one more pair.</summary>
    public PreferenceSums With(in PairLoss pair) => this + new PreferenceSums(1, pair.ChosenReward, pair.RejectedReward, pair.ChosenReward > pair.RejectedReward ? 1 : 0);

    /// <summary>The means; null where there are no pairs.</summary>
    public PreferenceMetrics? ToMetrics() => Pairs == 0 ? null
        : new PreferenceMetrics { Pairs = Pairs, ChosenReward = ChosenReward / Pairs, RejectedReward = RejectedReward / Pairs, Accuracy = (double)Right / Pairs };
}
