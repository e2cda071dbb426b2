namespace LowRank.Optimizers;

/// <summary>A piece of the flat buffer that one thread updates at once; it lies within one group.</summary>
/// <param name="Start">First element in the flat buffer.</param>
/// <param name="Count">Elements.</param>
/// <param name="Group">Index of the parameter group.</param>
/// <param name="First">First element in the moments: of the codes, or of the fp32 moments.</param>
/// <param name="IsQuantized">Whether the moments are 8-bit.</param>
internal readonly record struct UpdateRange(long Start, int Count, int Group, long First, bool IsQuantized);
