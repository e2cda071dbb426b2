namespace LowRank.Training.Events;

/// <summary>Why a run ended.</summary>
public enum RunEnd
{
    /// <summary>All steps were taken.</summary>
    Finished,

    /// <summary>The held-out loss no longer fell.</summary>
    StoppedEarly,

    /// <summary>The user asked for it; the run can be resumed.</summary>
    Cancelled,
}
