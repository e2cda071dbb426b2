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
        var (isLines, isArray) = JsonProbe.Of(Path, problems);
        if (isLines) ReadLines(Path, problems, take);
        else
        {
            if (isArray && System.IO.Path.GetExtension(Path).Equals(".jsonl", StringComparison.OrdinalIgnoreCase))
                problems.Warn(1, "a JSON array in a file named .jsonl; it is read as an array (name it .json, or write one row a line)");
            ReadValues(Path, problems, take);
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

    /// <summary>The elements of an array, or objects that follow each other over several lines. Text that is not sound is told before any row.</summary>
    private static void ReadValues(string path, ProblemList problems, Action<RawRow> take)
    {
        if (TextCheck.Find(path) is { } fault)
        {
            problems.Fatal(fault.Line, fault.Message, fault.Column);
            return;
        }
        using var values = new JsonValues(path, problems);
        while (values.Next() is { } row) take(row);
    }
}
