namespace LowRank.Training.Reports;

/// <summary>A part of a report under a heading.</summary>
/// <param name="Title">The heading.</param>
/// <param name="Blocks">What stands below it.</param>
internal sealed record ReportSection(string Title, IReadOnlyList<ReportBlock> Blocks);
