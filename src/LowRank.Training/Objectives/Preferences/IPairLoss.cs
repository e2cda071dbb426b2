namespace LowRank.Training.Objectives.Preferences;

/// <summary>A loss of preferences, one pair at a time, in fp64.</summary>
internal interface IPairLoss
{
    /// <summary>Whether it compares with a reference model.</summary>
    bool NeedsReference { get; }

    /// <summary>The loss of a pair and its derivatives.</summary>
    PairLoss Of(in PairLogProbabilities pair);
}
