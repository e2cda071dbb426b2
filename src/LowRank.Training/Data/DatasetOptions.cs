namespace LowRank.Training.Data;

/// <summary>How a data file is read. The defaults recognise everything by themselves.</summary>
public sealed record DatasetOptions
{
    /// <summary>The shape of the rows. Default null: recognised from the keys of the first rows.</summary>
    public DataFormat? Format { get; init; }

    /// <summary>
    /// Renames fields before the rows are read: the name that LowRank expects, to the name in the file, such as <c>prompt</c> to
    /// <c>question</c>. Default: no renaming.
    /// </summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What a row of a <c>.txt</c> file is. Default <see cref="TextSplit.Paragraph"/>; ignored for JSON.</summary>
    public TextSplit TextSplit { get; init; } = TextSplit.Paragraph;
}
