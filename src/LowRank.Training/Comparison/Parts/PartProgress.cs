namespace LowRank.Training.Comparison.Parts;

/// <summary>How far a part is.</summary>
/// <param name="What">What is being done: a word.</param>
/// <param name="Done">Steps or rows done.</param>
/// <param name="Total">All of them.</param>
internal sealed record PartProgress(string What, long Done, long Total);
