namespace LowRank.Training.Events;

/// <summary>
/// How a model judges preferences: means over pairs. The reward of an answer is β times the logarithm of how much likelier it has become against the reference; without a reference
/// (ORPO, SimPO) it is β times the mean log-probability of its tokens.
/// </summary>
public sealed record PreferenceMetrics
{
    /// <summary>Pairs.</summary>
    public required long Pairs { get; init; }

    /// <summary>Mean reward of the better answers.</summary>
    public required double ChosenReward { get; init; }

    /// <summary>Mean reward of the others.</summary>
    public required double RejectedReward { get; init; }

    /// <summary>By how much the better answers' rewards lead.</summary>
    public double Margin => ChosenReward - RejectedReward;

    /// <summary>The share of pairs whose better answer has the higher reward, from 0 to 1.</summary>
    public required double Accuracy { get; init; }
}
