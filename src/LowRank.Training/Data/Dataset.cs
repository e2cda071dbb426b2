using LowRank.Training.Data.Reading;
using LowRank.Training.Data.Rows;
using LowRank.Training.Data.Sources;
using LowRank.Training.Guards;

namespace LowRank.Training.Data;

/// <summary>
/// The rows of a data file: JSON lines, a JSON array, Parquet, CSV, TSV or plain text, in the shapes of <see cref="DataFormat"/>. Everything that is wrong
/// in the file is told at once, with file and line. Immutable and safe to read from many threads.
/// </summary>
public sealed partial class Dataset
{
    /// <summary>A data set of rows that are already there.</summary>
    /// <param name="path">The file they come from, for messages.</param>
    /// <param name="format">The shape of the rows.</param>
    /// <param name="rows">The rows, in order.</param>
    /// <param name="problems">What was odd about them.</param>
    public Dataset(string path, DataFormat format, IReadOnlyList<DataRow> rows, IReadOnlyList<Problem> problems)
    {
        (Path, Format, Rows, Problems) = (path, format, rows, problems);
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>The shape that the rows have in the file.</summary>
    public DataFormat Format { get; }

    /// <summary>The rows in the order of the file.</summary>
    public IReadOnlyList<DataRow> Rows { get; }

    /// <summary>Rows of the file that are wrong and were left out; 0 unless <see cref="DatasetOptions.OnBadRow"/> asks for it.</summary>
    public int SkippedRows { get; init; }

    /// <summary>The shapes of the rows, where several files were put together; else the one of <see cref="Format"/>.</summary>
    internal IReadOnlyList<DataFormat> Formats { get => field ?? [Format]; init; }

    /// <summary>How often the rows of each file are trained on; null for once each.</summary>
    internal Mixture? Mixture { get; init; }

    /// <summary>Whether rows that cannot be used are left out instead of refused.</summary>
    internal bool Skips { get; init; }

    /// <summary>Warnings: what is odd about rows that were loaded nonetheless. Empty for a clean file.</summary>
    public IReadOnlyList<Problem> Problems { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">A .jsonl, .json, .parquet, .csv, .tsv or .txt file; with another extension the content decides between JSON lines and an array.</param>
    /// <param name="options">How to read it; null recognises everything.</param>
    /// <returns>The rows; warnings are in <see cref="Problems"/>.</returns>
    /// <exception cref="DatasetException">The file is missing, of a kind that is not read, has no rows, or has rows that are wrong; all of them are listed.</exception>
    public static Dataset Load(string path, DatasetOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new DatasetOptions();
        if (Directory.Exists(path)) throw new DatasetException(path, "this is a folder; expected a data file (.jsonl, .json, .parquet, .csv, .tsv or .txt)");
        if (!File.Exists(path)) throw new DatasetException(path, "there is no such file");
        try
        {
            return new RowLoader(RowFile.Open(path, options), options).Load();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new LowRankException($"{path}: cannot be read: {fault.Message}", fault);
        }
    }

    /// <summary>
    /// Checks that every row holds something to learn from, which reading a file does not ask for but training does, and that the rows are of a kind that
    /// learning from answers takes: rows of preferences or judgements need another objective.
    /// </summary>
    /// <exception cref="DatasetException">Some rows hold nothing to learn from (all of them are listed), or all need another objective.</exception>
    public void RequireTrainable() => RequireTrainable(RowUse.Answers);

    /// <summary>The same for an objective that learns something else of rows.</summary>
    internal void RequireTrainable(RowUse use)
    {
        RequireRows(use);
        if (Skips) return;
        var empty = NothingToLearn().Select(n => new Problem(ProblemSeverity.Error, n.Row.File, n.Row.Line, 0, n.Reason) { GuardId = GuardIds.NothingSupervised }).ToList();
        if (empty.Count > 0) throw new DatasetException(empty, empty.Count);
    }

    /// <summary>Refuses rows that need another objective.</summary>
    /// <param name="use">What is learned of rows.</param>
    internal void RequireRows(RowUse use)
    {
        foreach (var format in Formats)
            if (RowObjectives.Refusal(format, use) is { } refusal) throw new DatasetException(Path, refusal);
    }

    private IEnumerable<(DataRow Row, string Reason)> NothingToLearn() => Rows is RowList list ? list.NothingToLearn.Select(n => (list[n.Row], n.Reason))
        : Rows.Where(r => r.NothingToLearn is not null).Select(r => (r, r.NothingToLearn!));
}
