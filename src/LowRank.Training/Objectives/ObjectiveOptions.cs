using LowRank.Training.Data;

namespace LowRank.Training.Objectives;

/// <summary>What a run minimises, with nothing left to choose.</summary>
public sealed record ObjectiveOptions
{
    /// <summary>What is learned. Default <see cref="ObjectiveKind.Sft"/>.</summary>
    public ObjectiveKind Kind { get; init; } = ObjectiveKind.Sft;

    /// <summary>The form of DPO's loss. Default <see cref="Objectives.DpoLoss.Sigmoid"/>; ignored with other objectives.</summary>
    public DpoLoss DpoLoss { get; init; } = DpoLoss.Sigmoid;

    /// <summary>β: how strongly the policy is held to the reference, or the weight of ORPO's odds. Default 0.1; usual for SimPO are 2 to 10. Ignored with <see cref="ObjectiveKind.Sft"/>.</summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>SimPO's γ, the margin by which the better answer should lead. Default 0.5; ignored with other objectives.</summary>
    public double Gamma { get; init; } = 0.5;

    /// <summary>Weight of the better answer's loss per token beside that of DPO or SimPO. Default 0. ORPO always has it, with 1, over prompt and answer.</summary>
    public double AnswerWeight { get; init; }

    /// <summary>With <see cref="ObjectiveKind.Sft"/> the share of a label's weight that is spread over the vocabulary; with DPO the share of preferences taken to be the wrong way round. Default 0.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>Weight of good answers in KTO's loss. Default 1; ignored with other objectives. With fewer good than bad answers more than 1 balances them (arXiv:2402.01306, equation 9).</summary>
    public double DesirableWeight { get; init; } = 1;

    /// <summary>Weight of bad answers in KTO's loss. Default 1; ignored with other objectives.</summary>
    public double UndesirableWeight { get; init; } = 1;

    /// <summary>NEFTune's α: the strength of noise on embedded tokens. Default 0, none.</summary>
    public double NeftuneAlpha { get; init; }

    /// <summary>Whether rows are preferences, or judged answers.</summary>
    public bool IsPreference => Kind != ObjectiveKind.Sft;

    /// <summary>What is learned of rows.</summary>
    internal RowUse Rows => Kind switch { ObjectiveKind.Sft => RowUse.Answers, ObjectiveKind.Kto => RowUse.Judgements, _ => RowUse.Pairs };

    /// <exception cref="LowRankException">A number is out of range, or is nothing to this objective.</exception>
    internal void Validate()
    {
        if (!(Beta > 0)) throw new LowRankException(FormattableString.Invariant($"β is {Beta}: it must be above 0."));
        if (Kind == ObjectiveKind.Dpo && LabelSmoothing > 0 && DpoLoss is not (DpoLoss.Sigmoid or DpoLoss.Robust))
            throw new LowRankException("Label smoothing is not for the hinge and IPO losses, but for sigmoid and robust. Leave it out.");
        if (Kind is ObjectiveKind.Orpo or ObjectiveKind.SimPo or ObjectiveKind.Kto && LabelSmoothing > 0) throw new LowRankException("Label smoothing is not for ORPO, SimPO and KTO. Leave it out.");
        if (!(DesirableWeight >= 0 && UndesirableWeight >= 0 && DesirableWeight + UndesirableWeight > 0)) throw new LowRankException(FormattableString.Invariant($"The weights of good and bad answers are {DesirableWeight} and {UndesirableWeight}: they must be 0 or above, and not both 0."));
        var (most, why) = IsPreference ? (0.5, "half of all preferences the wrong way round say nothing") : (1, "nothing of the labels would be left");
        if (!(LabelSmoothing >= 0 && LabelSmoothing < most)) throw new LowRankException(FormattableString.Invariant($"Label smoothing is {LabelSmoothing}: it must be from 0 to below {most}, because with that {why}."));
        if (!(AnswerWeight >= 0) || !(NeftuneAlpha >= 0)) throw new LowRankException("The weight of the better answer and NEFTune's alpha must be 0 or above.");
    }
}
