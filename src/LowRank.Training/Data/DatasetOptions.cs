using LowRank.Training.Data.Formats;

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

    /// <summary>What is done about rows that are wrong. Default <see cref="BadRows.Stop"/>.</summary>
    public BadRows OnBadRow { get; init; } = BadRows.Stop;

    /// <summary>
    /// Rows of a file with more content than this, in bytes, are not kept but read again whenever they are needed; only their places are remembered. Default
    /// 128 MiB. Ignored for rows of the program.
    /// </summary>
    public long InMemoryBytes { get; init; } = 128L << 20;

    /// <summary>The speakers and members of ShareGPT turns that are called otherwise, as LLaMA-Factory's tags tell; null for the usual names.</summary>
    internal TurnTags? Tags { get; init; }

    /// <summary>The folder in which it is kept where the rows of large files stand; null for none.</summary>
    internal string? IndexFolder { get; init; }

    /// <summary>What a row of a <c>.txt</c> file is. Default <see cref="TextSplit.Paragraph"/>; ignored for JSON.</summary>
    public TextSplit TextSplit { get; init; } = TextSplit.Paragraph;
}
