using System.Globalization;
using System.Text.Json;
using LowRank.Training.Data.Formats;
using LowRank.Training.Data.Reading;

namespace LowRank.Training.Data.Rows;

/// <summary>Reads a file once from front to back: finds out the shape of its rows, checks each, and keeps it or its place.</summary>
internal sealed class RowLoader(RowFile file, DatasetOptions options)
{
    private readonly DatasetOptions options = options;
    private readonly ProblemList problems = new(file.Path, options.OnBadRow);
    private readonly bool keeps = file.ContentBytes <= options.InMemoryBytes;
    private readonly List<DataRow> kept = [];
    private readonly RowPlaces places = new();
    private readonly List<(int, string)> nothingToLearn = [];
    private readonly List<(RawRow Raw, RowContext Row)> waiting = [];
    private DatasetOptions reading = options;
    private DataFormat? format = options.Format ?? (file is TextRows ? DataFormat.Text : null);

    /// <exception cref="DatasetException">There are no rows, or some are wrong; all of them are listed.</exception>
    public Dataset Load()
    {
        (byte[]? content, string? indexPath) = (null, null);
        if (!keeps && options.IndexFolder is { } folder) (content, indexPath) = Index(folder);
        if (indexPath is not null && RowIndexFile.Read(indexPath, file.Path) is { } index) return Streamed(index, content);
        if (HasKnownColumns()) file.Read(problems, Take);
        if (format is null && waiting.Count > 0) Unknown(waiting[0].Row);
        var count = keeps ? kept.Count : places.Count;
        if (count == 0 && problems.Errors == 0)
            problems.Fatal(1, problems.SkippedRows > 0 ? $"no rows are left: all {problems.SkippedRows} are wrong" : "no rows; every line is blank or the list is empty");
        problems.ThrowIfErrors();
        if (keeps)
            return new Dataset(file.Path, format ?? DataFormat.Messages, new KeptRows(kept, new RowOrigin(file.Path, Reading()), file.ContentBytes), problems.Kept) { SkippedRows = problems.SkippedRows, Skips = options.OnBadRow == BadRows.Skip };
        var made = new RowIndex(format!.Value, reading.Columns, places, problems.SkippedRows, problems.Kept, nothingToLearn);
        if (indexPath is not null) Keep(indexPath, made);
        return Streamed(made, content);
    }

    private Dataset Streamed(RowIndex index, byte[]? content)
    {
        (format, reading) = (index.Format, options with { Columns = index.Columns });
        var rows = new StreamedRows(file, index.Places, index.Format, reading, index.NothingToLearn, new RowOrigin(file.Path, Reading(), content));
        return new Dataset(file.Path, index.Format, rows, index.Problems) { SkippedRows = index.Skipped, Skips = options.OnBadRow == BadRows.Skip };
    }

    /// <summary>The hash of the file's content, and where its index is kept: named by that, by how it is read and by this build.</summary>
    private (byte[] Content, string Path) Index(string folder)
    {
        var content = FileHash.Of(file.Path);
        var key = System.Security.Cryptography.SHA256.HashData([.. content, .. System.Text.Encoding.UTF8.GetBytes($"{Reading()} {typeof(RowLoader).Module.ModuleVersionId}")]);
        return (content, System.IO.Path.Combine(folder, Convert.ToHexStringLower(key.AsSpan(0, 20)) + ".rows"));
    }

    private static void Keep(string path, RowIndex index)
    {
        try
        {
            RowIndexFile.Write(path, index);
        }
        catch (Exception fault) when (fault is LowRankException or IOException or UnauthorizedAccessException)
        {
            // A cache that cannot be written is told about when tokens are to be kept; here the rows are at hand all the same.
        }
    }

    /// <summary>A table tells its shape by its header, so that one message stands for all of its rows.</summary>
    private bool HasKnownColumns()
    {
        if (format is not null || file.Header is not { Names: { Count: > 0 } names } header) return true;
        var row = JsonElement.Parse(JsonRow.Of(json =>
        {
            foreach (var name in names.Distinct(StringComparer.Ordinal)) json.WriteString(name, "");
        }).Span);
        if (FormatDetector.Detect(row, options.Columns, isTable: true) is { } found)
        {
            (format, reading) = (found.Format, options with { Columns = found.Columns });
            return true;
        }
        var hint = FormatDetector.PairIn(row) is var (prompt, completion) ? $"map them: --columns prompt={prompt},completion={completion}" : "map those of other names with --columns, such as prompt=NAME,completion=NAME";
        problems.Fatal(header.Line, $"no columns prompt and completion, nor any other shape that is known (instruction and output | text | messages | …); the header has {JsonNames.Keys(row)}; {hint}");
        return false;
    }

    private void Take(RawRow raw)
    {
        if (RowParser.Parse(raw, problems) is not { } json)
        {
            problems.Skip();
            return;
        }
        if (format is null && FormatDetector.Detect(json, options.Columns) is { } found)
        {
            (format, reading) = (found.Format, options with { Columns = found.Columns });
            foreach (var (earlierRaw, earlier) in waiting) Check(earlierRaw, new RowContext(earlierRaw, earlier.Row, reading, problems));
            waiting.Clear();
        }
        raw = raw with { Json = default };
        var row = new RowContext(raw, json, reading, problems);
        if (format is null) waiting.Add((raw, row));
        else Check(raw, row);
    }

    private void Check(RawRow raw, RowContext context)
    {
        if (RowFormats.Read(format!.Value, context) is not { } row)
        {
            problems.Skip();
            return;
        }
        if (keeps) kept.Add(row);
        else
        {
            if (row.NothingToLearn is { } reason) nothingToLearn.Add((places.Count, reason));
            places.Add(raw);
        }
    }

    /// <summary>One message for a file in which no row has a known shape: the others would only repeat it.</summary>
    private void Unknown(RowContext row) => problems.Fatal(row.Line, row.Prefixed(row.Row.ValueKind == JsonValueKind.Object
        ? $"the shape is not known: the row has {JsonNames.Keys(row.Row)}; expected {FormatDetector.Expected} (fields of other names can be mapped with the columns setting)"
        : $"the row is {JsonNames.Kind(row.Row)}; expected an object"));

    private string Reading() => string.Create(CultureInfo.InvariantCulture,
        $"{format} {options.TextSplit} {options.OnBadRow} {string.Join(';', reading.Columns.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key}={c.Value}"))} {options.Tags?.Role} {options.Tags?.Content} {string.Join(';', options.Tags?.Speakers.Select(s => $"{s.Key}={s.Value}") ?? [])}");
}
