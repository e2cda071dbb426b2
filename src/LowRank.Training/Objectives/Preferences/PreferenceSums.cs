using LowRank.Training.Events;
using LowRank.Training.Objectives.Kto;

namespace LowRank.Training.Objectives.Preferences;

/// <summary>What became of preferences, as sums over pairs, or over judged answers.</summary>
/// <param name="Pairs">Pairs; 0 where answers are judged one by one.</param>
/// <param name="ChosenReward">Rewards of the better answers, or of the good ones.</param>
/// <param name="RejectedReward">Rewards of the others.</param>
/// <param name="Right">Pairs whose better answer has the higher reward, or answers on their side of the reference point.</param>
internal readonly record struct PreferenceSums(long Pairs, double ChosenReward, double RejectedReward, long Right)
{
    /// <summary>Judged answers that are good.</summary>
    public long Good { get; init; }

    /// <summary>Those that are not.</summary>
    public long Bad { get; init; }

    /// <summary>KTO's reference point, once for each judged answer.</summary>
    public double Kl { get; init; }

    public static PreferenceSums operator +(PreferenceSums a, PreferenceSums b) => new(a.Pairs + b.Pairs, a.ChosenReward + b.ChosenReward, a.RejectedReward + b.RejectedReward, a.Right + b.Right)
    {
        Good = a.Good + b.Good,
        Bad = a.Bad + b.Bad,
        Kl = a.Kl + b.Kl,
    };

    /// <summary>With one more pair.</summary>
    public PreferenceSums With(in PairLoss pair) => this + new PreferenceSums(1, pair.ChosenReward, pair.RejectedReward, pair.ChosenReward > pair.RejectedReward ? 1 : 0);

    /// <summary>With one more judged answer.</summary>
    public PreferenceSums With(in KtoTerm answer, bool isGood, double kl) =>
        this + new PreferenceSums(0, isGood ? answer.Reward : 0, isGood ? 0 : answer.Reward, answer.IsRight ? 1 : 0) { Good = isGood ? 1 : 0, Bad = isGood ? 0 : 1, Kl = kl };

    /// <summary>The means; null where there is nothing.</summary>
    public PreferenceMetrics? ToMetrics()
    {
        var judged = Good + Bad;
        if (judged > 0) return new PreferenceMetrics { Pairs = 0, Good = Good, Bad = Bad, ChosenReward = ChosenReward / Good, RejectedReward = RejectedReward / Bad, Accuracy = (double)Right / judged, Kl = Kl / judged };
        return Pairs == 0 ? null : new PreferenceMetrics { Pairs = Pairs, ChosenReward = ChosenReward / Pairs, RejectedReward = RejectedReward / Pairs, Accuracy = (double)Right / Pairs };
    }
}
