namespace LowRank.Training.Data.Sources;

/// <summary>A file of data on this machine, and how it is to be read.</summary>
internal sealed record LocatedFile(string Path, DatasetOptions Options);
