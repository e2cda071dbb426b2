namespace LowRank.Training.Accumulation;

/// <summary>What happens where memory does not suffice for the next step.</summary>
public enum OnOutOfMemory
{
    /// <summary>Micro-batches are computed in halves, quarters and so on, until they fit. The gradient stays the same.</summary>
    Split,

    /// <summary>The run takes a checkpoint and ends with an error.</summary>
    Stop,
}
