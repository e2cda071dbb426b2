namespace LowRank.Training.Data.Reading;

/// <summary>
/// Reads a UTF-8 file line by line without decoding it. A line ends in LF or CRLF only: U+2028, U+2029 and U+0085 are text, so that line
/// numbers are those that editors and <c>wc -l</c> show. The bytes of a line may be changed in place and live until the next read.
/// </summary>
internal sealed class LineReader : IDisposable
{
    private readonly ByteWindow window;
    private int taken;

    /// <exception cref="DatasetException">The first bytes tell another encoding or a binary format.</exception>
    public LineReader(string path)
    {
        window = new ByteWindow(path);
        IsEmpty = window is { Offset: 0, Unread.IsEmpty: true };
    }

    /// <summary>True for a file of no bytes at all.</summary>
    public bool IsEmpty { get; }

    /// <summary>The 1-based number of <see cref="Line"/>.</summary>
    public int Number { get; private set; }

    /// <summary>The byte of the file at which <see cref="Line"/> begins.</summary>
    public long Offset => window.Offset;

    /// <summary>The current line without its end.</summary>
    public Memory<byte> Line { get; private set; }

    /// <summary>Goes to the next line. False at the end of the file.</summary>
    public bool Read()
    {
        window.Advance(taken);
        (taken, Line) = (0, default);
        var searched = 0;
        while (true)
        {
            var unread = window.Unread.Span;
            var found = unread[searched..].IndexOf((byte)'\n');
            if (found >= 0) return Take(searched + found, 1);
            searched = unread.Length;
            if (!window.Fill()) return searched > 0 && Take(searched, 0);
        }
    }

    private bool Take(int length, int ending)
    {
        var line = window.Unread[..length];
        Line = ending == 1 && line.Span.EndsWith("\r"u8) ? line[..^1] : line;
        taken = length + ending;
        Number++;
        return true;
    }

    public void Dispose()
    {
        window.Dispose();
        Line = default;
    }
}
