namespace LowRank.Training.Import;

/// <summary>A setting of the new file.</summary>
/// <param name="Key">LowRank's key.</param>
/// <param name="Value">Its value as text.</param>
/// <param name="Origin">Where it comes from, for the comment behind it: the key of the other tool, or whose default it is.</param>
/// <param name="Where">The place in the other file, for messages.</param>
internal sealed record ImportedLine(string Key, string Value, string Origin, string Where);
