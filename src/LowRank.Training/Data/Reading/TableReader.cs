namespace LowRank.Training.Data.Reading;

/// <summary>Reads the records of a table one after another, with the line on which each begins. Blank lines between records are passed over.</summary>
internal sealed class TableReader(string path, byte separator, ProblemList problems) : IDisposable
{
    private readonly LineReader lines = new(path);
    private readonly TableRecord record = new(separator);

    public bool IsEmpty => lines.IsEmpty;

    /// <summary>The 1-based line on which the record begins.</summary>
    public int Line { get; private set; }

    /// <summary>The bytes of the record without its last line's end.</summary>
    public RowPlace Place { get; private set; }

    /// <summary>The fields of the record.</summary>
    public IReadOnlyList<string> Fields => record.Fields;

    /// <summary>Goes to the next record. False for one that is wrong, after its errors were reported; null at the end of the file.</summary>
    public bool? Read()
    {
        do
            if (!lines.Read()) return null;
        while (TextCheck.IsBlank(lines.Line.Span));
        record.Clear();
        var (sound, from) = (true, lines.Offset);
        var (openLine, openColumn) = (Line = lines.Number, 0);
        while (true)
        {
            var line = lines.Line.Span;
            if (TextCheck.Find(line) is { } fault) sound = Error(lines.Number, fault.Message, TextCheck.Column(line, fault.Offset));
            var stray = record.Add(line);
            if (stray >= 0)
                return Error(lines.Number, "text stands behind a closing quote; expected the separator, or the quote written twice", TextCheck.Column(line, stray));
            Place = new RowPlace(from, checked((int)(lines.Offset + line.Length - from)));
            if (!record.IsOpen) return sound;
            if (record.OpenedAt >= 0) (openLine, openColumn) = (lines.Number, TextCheck.Column(line, record.OpenedAt));
            if (!lines.Read()) return Error(openLine, "a quote that is never closed; what follows is one field up to the end of the file. Close it, or write a quote that belongs to the text twice inside quotes", openColumn);
        }
    }

    private bool Error(int line, string message, int column)
    {
        problems.Error(line, message, column);
        return false;
    }

    public void Dispose() => lines.Dispose();
}
