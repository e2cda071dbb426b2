namespace LowRank.Training.Reports;

/// <summary>A report before it takes a form.</summary>
/// <param name="Title">Its title.</param>
/// <param name="Summary">The run in a sentence or two.</param>
/// <param name="Sections">Its parts.</param>
internal sealed record ReportDocument(string Title, string Summary, IReadOnlyList<ReportSection> Sections)
{
    /// <summary>All pictures in it.</summary>
    public IEnumerable<ReportPicture> Pictures => Sections.SelectMany(s => s.Blocks).OfType<ReportPicture>();
}
