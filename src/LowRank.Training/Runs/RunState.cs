namespace LowRank.Training.Runs;

/// <summary>How a run of the past stands.</summary>
internal enum RunState
{
    /// <summary>Its process goes on.</summary>
    Running,

    /// <summary>All steps were taken.</summary>
    Finished,

    /// <summary>It ended early because the held-out loss no longer fell.</summary>
    StoppedEarly,

    /// <summary>The user stopped it; it can be resumed.</summary>
    Stopped,

    /// <summary>Its process ended without a word: it was killed, or failed.</summary>
    BrokenOff,
}
