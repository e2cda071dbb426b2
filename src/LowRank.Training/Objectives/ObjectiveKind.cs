namespace LowRank.Training.Objectives;

/// <summary>What a run learns.</summary>
public enum ObjectiveKind
{
    /// <summary>The next token of supervised text: supervised fine-tuning, and pre-training where all tokens are learned.</summary>
    Sft,

    /// <summary>Preferences, against the base model without its adapter (Direct Preference Optimization, arXiv:2305.18290).</summary>
    Dpo,

    /// <summary>The better answer, and its odds against the other one, without a reference (ORPO, arXiv:2403.07691).</summary>
    Orpo,

    /// <summary>Preferences by the mean log-probability of a token, with a margin and without a reference (SimPO, arXiv:2405.14734).</summary>
    SimPo,

    /// <summary>Whether single answers are good ones, against the base model without its adapter (Kahneman-Tversky optimization, arXiv:2402.01306).</summary>
    Kto,
}
