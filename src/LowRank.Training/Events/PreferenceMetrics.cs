namespace LowRank.Training.Events;

/// <summary>
/// How a model judges preferences: means over pairs, or over judged answers. The reward of an answer is β times the logarithm of how much likelier it has become against the reference; without a reference
/// (ORPO, SimPO) it is β times the mean log-probability of its tokens.
/// </summary>
public sealed record PreferenceMetrics
{
    /// <summary>Pairs; 0 where answers are judged one by one (KTO).</summary>
    public required long Pairs { get; init; }

    /// <summary>Judged answers that are good; 0 with pairs.</summary>
    public long Good { get; init; }

    /// <summary>Judged answers that are not; 0 with pairs.</summary>
    public long Bad { get; init; }

    /// <summary>Pairs, or judged answers: what the loss is a mean of.</summary>
    public long Count => Pairs > 0 ? Pairs : Good + Bad;

    /// <summary>KTO's reference point: how far the model has moved from the reference, in nats, on answers that do not belong to their prompts; null with pairs.</summary>
    public double? Kl { get; init; }

    /// <summary>Mean reward of the better or good answers; not a number where there are none.</summary>
    public required double ChosenReward { get; init; }

    /// <summary>Mean reward of the others; not a number where there are none.</summary>
    public required double RejectedReward { get; init; }

    /// <summary>By how much the better answers' rewards lead.</summary>
    public double Margin => ChosenReward - RejectedReward;

    /// <summary>The share of pairs whose better answer has the higher reward, or of judged answers that stand on their side of the reference point, from 0 to 1.</summary>
    public required double Accuracy { get; init; }
}
