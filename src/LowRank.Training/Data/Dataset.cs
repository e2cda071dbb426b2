using System.Text.Json;
using LowRank.Training.Data.Formats;
using LowRank.Training.Data.Reading;
using LowRank.Training.Guards;

namespace LowRank.Training.Data;

/// <summary>
/// The rows of a data file: JSON lines, a JSON array or plain text, in the shapes of <see cref="DataFormat"/>. Everything that is wrong
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

    /// <summary>Warnings: what is odd about rows that were loaded nonetheless. Empty for a clean file.</summary>
    public IReadOnlyList<Problem> Problems { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">A .jsonl, .json or .txt file; with another extension the content decides between JSON lines and an array.</param>
    /// <param name="options">How to read it; null recognises everything.</param>
    /// <returns>The rows; warnings are in <see cref="Problems"/>.</returns>
    /// <exception cref="DatasetException">The file is missing, of a kind that is not read, has no rows, or has rows that are wrong; all of them are listed.</exception>
    public static Dataset Load(string path, DatasetOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new DatasetOptions();
        if (Directory.Exists(path)) throw new DatasetException(path, "this is a folder; expected a data file (.jsonl, .json or .txt)");
        if (!File.Exists(path)) throw new DatasetException(path, "there is no such file");
        FileSignature.CheckExtension(path);
        try
        {
            return Read(path, options);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new LowRankException($"{path}: cannot be read: {fault.Message}", fault);
        }
    }

    private static Dataset Read(string path, DatasetOptions options)
    {
        var problems = new ProblemList(path);
        var isText = System.IO.Path.GetExtension(path).Equals(".txt", StringComparison.OrdinalIgnoreCase);
        var (format, rows) = isText ? (DataFormat.Text, TextFormat.ReadFile(path, options.TextSplit, problems)) : ReadJson(path, options, problems);
        if (rows.Count == 0 && problems.Errors == 0) problems.Error(1, "no rows; every line is blank or the list is empty");
        problems.ThrowIfErrors();
        return new Dataset(path, format, rows, problems.Kept);
    }

    private static (DataFormat, List<DataRow>) ReadJson(string path, DatasetOptions options, ProblemList problems)
    {
        var rows = new List<DataRow>();
        var waiting = new List<RowContext>();
        var format = options.Format;
        JsonRows.Read(path, problems, raw =>
        {
            if (RowParser.Parse(raw, problems) is not { } json) return;
            if (format is null && FormatDetector.Detect(json, options.Columns) is { } found)
            {
                format = found.Format;
                options = options with { Columns = found.Columns };
                foreach (var earlier in waiting) Take(earlier);
            }
            var row = new RowContext(raw with { Json = default }, json, options, problems);
            if (format is null) waiting.Add(row);
            else Take(row);
        });
        if (format is null && waiting.Count > 0) Unknown(waiting[0]);
        return (format ?? DataFormat.Messages, rows);

        void Take(RowContext row)
        {
            if (RowFormats.Read(format.Value, row) is { } taken) rows.Add(taken);
        }
    }

    /// <summary>One message for a file in which no row has a known shape: the others would only repeat it.</summary>
    private static void Unknown(RowContext row) => row.Error(row.Row.ValueKind == JsonValueKind.Object
        ? $"the shape is not known: the row has {JsonNames.Keys(row.Row)}; expected {FormatDetector.Expected} (fields of other names can be mapped with the columns setting)"
        : $"the row is {JsonNames.Kind(row.Row)}; expected an object");

    /// <summary>Checks that every row holds something to learn from, which reading a file does not ask for but training does.</summary>
    /// <exception cref="DatasetException">Some rows hold nothing to learn from; all of them are listed.</exception>
    public void RequireTrainable()
    {
        var empty = Rows.Where(r => r.NothingToLearn is not null).Select(r => new Problem(ProblemSeverity.Error, r.File, r.Line, 0, r.NothingToLearn!) { GuardId = GuardIds.NothingSupervised }).ToList();
        if (empty.Count > 0) throw new DatasetException(empty, empty.Count);
    }
}
