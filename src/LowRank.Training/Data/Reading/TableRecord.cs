using System.Buffers;
using System.Text;

namespace LowRank.Training.Data.Reading;

/// <summary>Cuts one record of a table into fields, line by line: a quoted field may go over several.</summary>
internal sealed class TableRecord(byte separator)
{
    private readonly List<string> fields = [];
    private readonly ArrayBufferWriter<byte> field = new();

    /// <summary>The fields of a complete record.</summary>
    public IReadOnlyList<string> Fields => fields;

    /// <summary>Whether a quoted field is still open, so that the next line belongs to the record.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>The byte of the last line at which a quoted field was opened, or -1.</summary>
    public int OpenedAt { get; private set; }

    /// <summary>Begins a new record.</summary>
    public void Clear()
    {
        fields.Clear();
        field.ResetWrittenCount();
        IsOpen = false;
    }

    /// <summary>Takes a line of the record.</summary>
    /// <returns>The byte at which text stands behind a closing quote, or -1 where the line is sound.</returns>
    public int Add(ReadOnlySpan<byte> line)
    {
        var at = 0;
        OpenedAt = -1;
        if (IsOpen) field.Write("\n"u8);
        while (true)
        {
            if (!IsOpen && at < line.Length && line[at] == '"') (IsOpen, OpenedAt, at) = (true, at, at + 1);
            else if (!IsOpen)
            {
                var length = line[at..].IndexOf(separator);
                field.Write(length < 0 ? line[at..] : line.Slice(at, length));
                Close();
                if (length < 0) return -1;
                at += length + 1;
                continue;
            }
            if (!Quoted(line, ref at)) return -1;
            Close();
            if (at == line.Length) return -1;
            if (line[at] != separator) return at;
            at++;
        }
    }

    /// <summary>The rest of a quoted field. False where the line ends before it does.</summary>
    private bool Quoted(ReadOnlySpan<byte> line, ref int at)
    {
        while (true)
        {
            var quote = line[at..].IndexOf((byte)'"');
            if (quote < 0)
            {
                field.Write(line[at..]);
                return false;
            }
            field.Write(line.Slice(at, quote));
            at += quote + 1;
            if (at == line.Length || line[at] != '"')
            {
                IsOpen = false;
                return true;
            }
            field.Write("\""u8);
            at++;
        }
    }

    private void Close()
    {
        fields.Add(Encoding.UTF8.GetString(field.WrittenSpan));
        field.ResetWrittenCount();
    }
}
