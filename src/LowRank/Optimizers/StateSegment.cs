namespace LowRank.Optimizers;

/// <summary>A stretch of an optimizer's state, in bytes.</summary>
/// <param name="Offset">Where it begins.</param>
/// <param name="Bytes">Its length.</param>
internal readonly record struct StateSegment(long Offset, long Bytes);
