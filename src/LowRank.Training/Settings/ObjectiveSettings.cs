using LowRank.Training.Data;
using LowRank.Training.Objectives;

namespace LowRank.Training.Settings;

/// <summary>What is learned from the data.</summary>
public sealed record ObjectiveSettings
{
    /// <summary>The objective.</summary>
    [Setting("objective", "What is learned: answers (sft); which of two answers is better, against the base without its adapter (dpo), or without a reference (orpo, simpo), from rows with chosen and rejected; or whether single answers are good ones, against that base (kto), from rows with label or with chosen and rejected.", Choices = ["sft", "dpo", "orpo", "simpo", "kto"])]
    public string Objective { get; init; } = "sft";

    /// <summary>The form of DPO's loss.</summary>
    [Setting("dpo-loss", "With --objective dpo: the form of the loss; robust needs --label-smoothing.", Choices = ["sigmoid", "hinge", "ipo", "robust"])]
    public string DpoLoss { get; init; } = "sigmoid";

    /// <summary>β.</summary>
    [Setting("beta", "With preferences: how strongly the model is held to the reference (dpo, kto), the weight of the odds (orpo), or the scale of rewards (simpo).", Minimum = 1e-6, Automatic = "0.1, or 2 with --objective simpo")]
    public double? Beta { get; init; }

    /// <summary>SimPO's margin.</summary>
    [Setting("simpo-gamma", "With --objective simpo: by how much the reward of the better answer should lead.", Minimum = 0, Automatic = "0.5")]
    public double? SimPoGamma { get; init; }

    /// <summary>The weight of the better answer's own loss.</summary>
    [Setting("answer-weight", "With --objective dpo or simpo: weight of the better answer's own loss per token, added to that of the pairs.", Minimum = 0)]
    public double AnswerWeight { get; init; }

    /// <summary>The weight of good answers.</summary>
    [Setting("desirable-weight", "With --objective kto: weight of good answers in the loss. Where they are the fewer, set it so that its product with their number is 1 to 1.33 times that of the bad ones.", Minimum = 0)]
    public double DesirableWeight { get; init; } = 1;

    /// <summary>The weight of bad answers.</summary>
    [Setting("undesirable-weight", "With --objective kto: weight of bad answers in the loss.", Minimum = 0)]
    public double UndesirableWeight { get; init; } = 1;

    /// <summary>Label smoothing.</summary>
    [Setting("label-smoothing", "With --objective sft: share of each label that is spread over the vocabulary. With dpo: share of the preferences taken to be the wrong way round.", Minimum = 0, Maximum = 0.99)]
    public double LabelSmoothing { get; init; }

    /// <summary>NEFTune's α.</summary>
    [Setting("neftune-alpha", "Strength of uniform noise on the embedded tokens in training (NEFTune), such as 5; 0 for none.", Minimum = 0)]
    public double NeftuneAlpha { get; init; }

    /// <summary>Whether rows are preferences, or judged answers.</summary>
    internal bool IsPreference => Objective != "sft";

    /// <summary>What is learned of rows.</summary>
    internal RowUse Rows => Objective switch { "sft" => RowUse.Answers, "kto" => RowUse.Judgements, _ => RowUse.Pairs };

    /// <summary>β that is used.</summary>
    internal double? UsedBeta => !IsPreference ? null : Beta ?? (Objective == "simpo" ? 2 : 0.1);

    /// <summary>The learning rate that is used: where none was given, a tenth of the method's for preferences.</summary>
    internal double LearningRateFor(TrainSettings settings) =>
        settings.Optimization.LearningRate ?? settings.Optimization.LearningRateFor(settings.Adapter.Method) * (IsPreference ? 0.1 : 1);

    /// <summary>The options of the loop.</summary>
    /// <param name="settings">The run, to refuse what does not go together before anything is read.</param>
    /// <exception cref="LowRankException">A setting is nothing to this objective, or the run leaves no reference.</exception>
    internal ObjectiveOptions ToOptions(TrainSettings settings)
    {
        RefuseOthers(settings);
        var options = new ObjectiveOptions
        {
            Kind = Objective switch { "dpo" => ObjectiveKind.Dpo, "orpo" => ObjectiveKind.Orpo, "simpo" => ObjectiveKind.SimPo, "kto" => ObjectiveKind.Kto, _ => ObjectiveKind.Sft },
            DpoLoss = Enum.Parse<DpoLoss>(DpoLoss, ignoreCase: true),
            Beta = UsedBeta ?? 0.1,
            Gamma = SimPoGamma ?? 0.5,
            AnswerWeight = AnswerWeight,
            DesirableWeight = DesirableWeight,
            UndesirableWeight = UndesirableWeight,
            LabelSmoothing = LabelSmoothing,
            NeftuneAlpha = NeftuneAlpha,
        };
        options.Validate();
        return options;
    }

    // A setting that would do nothing is a mistake of the user's.
    private void RefuseOthers(TrainSettings settings)
    {
        (bool IsSet, string Option, string[] Objectives, string Why)[] rules =
        [
            (DpoLoss != "sigmoid", "--dpo-loss", ["dpo"], "it is the form of DPO's loss"),
            (Beta is not null, "--beta", ["dpo", "orpo", "simpo", "kto"], "it weighs preferences"),
            (SimPoGamma is not null, "--simpo-gamma", ["simpo"], "it is SimPO's margin"),
            (AnswerWeight > 0, "--answer-weight", ["dpo", "simpo"], "with sft the answer's loss is all there is, orpo always has it, and kto judges single answers"),
            (DesirableWeight != 1, "--desirable-weight", ["kto"], "it weighs answers that are judged good"),
            (UndesirableWeight != 1, "--undesirable-weight", ["kto"], "it weighs answers that are judged bad"),
            (settings.Data.Packing, "--packing", ["sft"], "each answer of a preference, or judged answer, stands in a row of its own"),
            (settings.Data.TrainOn == "all", "--train-on all", ["sft"], "answers alone are compared"),
            (settings.Adapter.Method == "full", "--method full", ["sft", "orpo", "simpo"], "the reference of DPO and KTO is the model without its adapter"),
            (settings.Adapter.Bias != "none", "--bias", ["sft", "orpo", "simpo"], "trained biases cannot be switched off, so that there is no reference"),
            (settings.Adapter.ModulesToSave is not null, "--modules-to-save", ["sft", "orpo", "simpo"], "modules that are trained whole cannot be switched off, so that there is no reference"),
        ];
        foreach (var (isSet, option, objectives, why) in rules)
            if (isSet && !objectives.Contains(Objective)) throw new LowRankException($"{option} does not go with --objective {Objective}: {why}. Leave it out, or take --objective {string.Join(" or ", objectives)}.");
        if (Objective == "kto" && settings.Optimization is { Batch: 1, Accumulate: 1 })
            throw new LowRankException("--objective kto compares the answers of a step with each other (the reference point comes from answers behind other prompts): a step of one row has none. Take --batch 2 or more, or --accumulate.");
        if (DpoLoss == "robust" && LabelSmoothing == 0)
            throw new LowRankException("--dpo-loss robust corrects for preferences that are the wrong way round: say which share of them is, such as --label-smoothing 0.1.");
    }
}
