using System.Buffers;

namespace LowRank.Training.Data.Reading;

/// <summary>A plain text file, cut into paragraphs, lines, or not at all. Lines end in LF or CRLF, and a row joins its own with LF.</summary>
internal sealed class TextRows(string path, TextSplit split) : RowFile(path)
{
    private readonly TextSplit split = split;

    /// <inheritdoc/>
    public override void Read(ProblemList problems, Action<RawRow> take)
    {
        var text = new ArrayBufferWriter<byte>();
        var (begin, from, to, number) = (0, 0L, 0L, 0);
        using var lines = new LineReader(Path);
        if (lines.IsEmpty) problems.Fatal(1, "the file is empty");
        while (lines.Read())
        {
            var line = lines.Line.Span;
            if (TextCheck.Find(line) is { } fault)
            {
                problems.Error(lines.Number, fault.Message, TextCheck.Column(line, fault.Offset));
                problems.Skip();
                continue;
            }
            if (TextCheck.IsBlank(line) && split != TextSplit.File)
            {
                Take();
                continue;
            }
            if (text.WrittenCount == 0 && begin == 0) (begin, from) = (lines.Number, lines.Offset);
            else text.Write("\n"u8);
            text.Write(line);
            to = lines.Offset + line.Length;
            if (split == TextSplit.Line) Take();
        }
        Take();

        void Take()
        {
            if (begin > 0 && !IsBlank(text.WrittenSpan)) take(new RawRow(Row(text.WrittenSpan), begin, ++number, Place: new RowPlace(from, checked((int)(to - from)))));
            text.ResetWrittenCount();
            begin = 0;
        }
    }

    /// <inheritdoc/>
    public override Memory<byte> Fetch(RowPlace place)
    {
        var bytes = Bytes(place).AsSpan();
        var text = new ArrayBufferWriter<byte>(bytes.Length);
        var isFirst = true;
        foreach (var range in bytes.Split((byte)'\n'))
        {
            var line = bytes[range];
            if (line.EndsWith("\r"u8)) line = line[..^1];
            if (TextCheck.Find(line) is not null) continue;
            if (!isFirst) text.Write("\n"u8);
            text.Write(line);
            isFirst = false;
        }
        return Row(text.WrittenSpan);
    }

    // As string.IsNullOrWhiteSpace: other spaces than those of a blank line are white, too.
    private static bool IsBlank(ReadOnlySpan<byte> text) => TextCheck.IsBlank(text) || string.IsNullOrWhiteSpace(System.Text.Encoding.UTF8.GetString(text));

    private static Memory<byte> Row(ReadOnlySpan<byte> text)
    {
        var bytes = text.ToArray();
        return JsonRow.Of(writer => writer.WriteString("text"u8, bytes));
    }
}
