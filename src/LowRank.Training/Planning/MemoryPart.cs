namespace LowRank.Training.Planning;

/// <summary>One part of the memory of a run.</summary>
/// <param name="Bytes">Its bytes.</param>
/// <param name="Formula">How they come about, with the numbers put in.</param>
public readonly record struct MemoryPart(long Bytes, string Formula);
