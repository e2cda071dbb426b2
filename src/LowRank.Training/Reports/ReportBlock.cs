namespace LowRank.Training.Reports;

/// <summary>A piece of a report. What it looks like is up to the writer of a form.</summary>
internal abstract record ReportBlock;

/// <summary>A paragraph.</summary>
internal sealed record ReportText(string Text) : ReportBlock;

/// <summary>A list of sentences.</summary>
internal sealed record ReportList(IReadOnlyList<string> Items) : ReportBlock;

/// <summary>A table; the first column is words, the others are figures where <paramref name="AreFigures"/> says so.</summary>
internal sealed record ReportTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows, bool AreFigures = false) : ReportBlock;

/// <summary>Lines to be typed as they are.</summary>
internal sealed record ReportCode(string Language, string Code) : ReportBlock;

/// <summary>Text of a model or a data set, whatever it holds.</summary>
internal sealed record ReportQuote(string Label, string Text) : ReportBlock;

/// <summary>A picture under a file name without its ending.</summary>
internal sealed record ReportPicture(string Name, string Description, byte[] Png) : ReportBlock;

/// <summary>What is shown on demand, where the form can do that.</summary>
internal sealed record ReportFold(string Title, IReadOnlyList<ReportBlock> Blocks) : ReportBlock;
