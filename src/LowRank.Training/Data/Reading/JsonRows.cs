using System.Text.Json;

namespace LowRank.Training.Data.Reading;

/// <summary>
/// Cuts a JSON file into rows: one value a line, or the elements of one array. Which of the two it is, the content decides, not the name;
/// an array in a file named .jsonl is told as a warning.
/// </summary>
internal sealed class JsonRows(string path) : RowFile(path)
{
    /// <inheritdoc/>
    public override Memory<byte> Fetch(RowPlace place) => Bytes(place);

    /// <inheritdoc/>
    public override void Read(ProblemList problems, Action<RawRow> take)
    {
        if (IsLines(Path, problems, out var isArray)) ReadLines(Path, problems, take);
        else
        {
            if (isArray && System.IO.Path.GetExtension(Path).Equals(".jsonl", StringComparison.OrdinalIgnoreCase))
                problems.Warn(1, "a JSON array in a file named .jsonl; it is read as an array (name it .json, or write one row a line)");
            ReadValues(Path, problems, take);
        }
    }

    /// <summary>
    /// Lines, if the first line that is not blank is a complete JSON value. A single line that is an array of objects is an array, and
    /// a file named .jsonl is read line by line whatever its first line holds, unless that begins an array.
    /// </summary>
    private static bool IsLines(string path, ProblemList problems, out bool isArray)
    {
        isArray = false;
        using var lines = new LineReader(path);
        if (lines.IsEmpty) problems.Fatal(1, "the file is empty");
        while (lines.Read())
        {
            if (TextCheck.IsBlank(lines.Line.Span)) continue;
            var first = lines.Line.Span.Trim(" \t\r"u8);
            isArray = first[0] == '[';
            var named = System.IO.Path.GetExtension(path).ToLowerInvariant() is ".jsonl" or ".ndjson";
            if (!isArray && (named || first[0] != '{')) return true;
            var complete = IsComplete(first);
            if (!isArray || !complete) return complete;
            var more = false;
            while (!more && lines.Read()) more = !TextCheck.IsBlank(lines.Line.Span);
            return more;
        }
        return true;
    }

    private static bool IsComplete(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read()) { }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void ReadLines(string path, ProblemList problems, Action<RawRow> take)
    {
        using var lines = new LineReader(path);
        var number = 0;
        while (lines.Read())
        {
            var line = lines.Line.Span;
            if (TextCheck.IsBlank(line)) continue;
            number++;
            if (TextCheck.Find(line) is { } fault)
            {
                problems.Error(lines.Number, fault.Message, TextCheck.Column(line, fault.Offset));
                problems.Skip();
            }
            else take(new RawRow(lines.Line, lines.Number, number, Place: new RowPlace(lines.Offset, line.Length)));
        }
    }

    /// <summary>The elements of an array, or objects that follow each other over several lines.</summary>
    private static void ReadValues(string path, ProblemList problems, Action<RawRow> take)
    {
        if (new FileInfo(path).Length > Array.MaxLength)
            throw new DatasetException(path, "a JSON array over 2 GB cannot be read at once; write it as JSON lines (.jsonl), one row a line");
        var bytes = File.ReadAllBytes(path);
        var mark = bytes.AsSpan().StartsWith(FileSignature.Utf8Mark) ? 3 : 0;
        var json = bytes.AsMemory(mark);
        if (TextCheck.Find(json.Span) is { } fault)
        {
            var (line, start) = Position(json.Span, fault.Offset);
            problems.Fatal(line, fault.Message, TextCheck.Column(json.Span[start..], fault.Offset - start));
            return;
        }
        foreach (var row in Cut(json, mark, problems)) take(row);
    }

    private static List<RawRow> Cut(Memory<byte> json, int mark, ProblemList problems)
    {
        var rows = new List<RawRow>();
        var reader = new Utf8JsonReader(json.Span, new JsonReaderOptions { AllowMultipleValues = true });
        try
        {
            var (line, counted, inArray) = (1, 0, false);
            while (reader.Read())
            {
                if (reader.CurrentDepth == 0 && reader.TokenType is JsonTokenType.StartArray) inArray = true;
                else if (reader.TokenType is not JsonTokenType.EndArray || reader.CurrentDepth > 0 || !inArray)
                {
                    var start = (int)reader.TokenStartIndex;
                    reader.Skip();
                    line += json.Span[counted..start].Count((byte)'\n');
                    counted = start;
                    var length = (int)reader.BytesConsumed - start;
                    rows.Add(new RawRow(json.Slice(start, length), line, rows.Count + 1, InArray: true, new RowPlace(mark + start, length)));
                }
            }
        }
        catch (JsonException fault)
        {
            JsonFault.Report(fault, json.Span, 1, problems, "file");
        }
        return rows;
    }

    private static (int Line, int Start) Position(ReadOnlySpan<byte> text, int offset)
    {
        var before = text[..offset];
        return (before.Count((byte)'\n') + 1, before.LastIndexOf((byte)'\n') + 1);
    }
}
