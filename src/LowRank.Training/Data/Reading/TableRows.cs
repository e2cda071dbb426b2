using System.Text;
using System.Text.Json;

namespace LowRank.Training.Data.Reading;

/// <summary>
/// A CSV or TSV file as RFC 4180 has it: a header, then records of as many fields. A field in double quotes may hold the separator, line breaks
/// (read as LF) and quotes, written twice; a quote inside a field that does not begin with one stands for itself, as in Python's csv module.
/// </summary>
/// <remarks>
/// Read here and not by a library because every record needs its line and its bytes, and because a stray quote must be told with its line: readers
/// that toggle at each quote swallow the records up to the next one.
/// </remarks>
internal sealed class TableRows(string path, byte separator) : RowFile(path)
{
    private readonly byte separator = separator;
    private (int Line, IReadOnlyList<string> Names)? header;

    /// <inheritdoc/>
    public override (int Line, IReadOnlyList<string> Names)? Header
    {
        get
        {
            if (header is not null) return header;
            var unused = new ProblemList(Path);
            using var records = new TableReader(Path, separator, unused);
            return header = records.Read() is true ? (records.Line, [.. records.Fields.Select(f => f.Trim())]) : (1, []);
        }
    }

    /// <inheritdoc/>
    public override void Read(ProblemList problems, Action<RawRow> take)
    {
        using var records = new TableReader(Path, separator, problems);
        if (records.IsEmpty) problems.Fatal(1, "the file is empty");
        if (records.Read() is not true || Header is not { Names: { Count: > 0 } names } head) return;
        if (names.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            problems.Fatal(head.Line, $"the column \"{twice.Key}\" stands twice in the header; give each its own name");
            return;
        }
        var number = 0;
        while (records.Read() is { } sound)
        {
            number++;
            if (sound && records.Fields.Count != names.Count)
            {
                problems.Error(records.Line, $"{records.Fields.Count} {(records.Fields.Count == 1 ? "field" : "fields")} instead of the {names.Count} of the header ({string.Join(", ", names)})");
                sound = false;
            }
            if (sound) take(new RawRow(Row(names, records.Fields), records.Line, number, Place: records.Place, IsTable: true));
            else problems.Skip();
        }
    }

    /// <inheritdoc/>
    public override Memory<byte> Fetch(RowPlace place)
    {
        var fields = new TableRecord(separator);
        foreach (var line in Encoding.UTF8.GetString(Bytes(place)).Split('\n')) fields.Add(Encoding.UTF8.GetBytes(line.EndsWith('\r') ? line[..^1] : line));
        return Row(Header!.Value.Names, fields.Fields);
    }

    private static Memory<byte> Row(IReadOnlyList<string> names, IReadOnlyList<string> fields) => JsonRow.Of(writer =>
    {
        for (var i = 0; i < names.Count; i++) writer.WriteString(names[i], fields[i]);
    });
}
