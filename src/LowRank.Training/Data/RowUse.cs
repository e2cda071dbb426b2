namespace LowRank.Training.Data;

/// <summary>What an objective learns from of a row.</summary>
internal enum RowUse
{
    /// <summary>The answer, or text, as it stands.</summary>
    Answers,

    /// <summary>Which of two answers is better (DPO, ORPO, SimPO).</summary>
    Pairs,

    /// <summary>Whether an answer is a good one (KTO). A pair is a good and a bad one.</summary>
    Judgements,
}
