namespace LowRank.Training.Tests.Fuzzing;

/// <summary>Something that a damaged file did and must not do.</summary>
/// <param name="Index">The number of the file.</param>
/// <param name="What">What happened.</param>
/// <param name="Place">Where in LowRank, so that one fault is told once.</param>
/// <param name="Path">The file, kept.</param>
internal sealed record FuzzFault(long Index, string What, string Place, string Path);
