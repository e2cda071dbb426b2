using System.Buffers;

namespace LowRank.Training.Data.Reading;

/// <summary>
/// Reads a UTF-8 file line by line without decoding it. A line ends in LF or CRLF only: U+2028, U+2029 and U+0085 are text, so that line
/// numbers are those that editors and <c>wc -l</c> show. The bytes of a line may be changed in place and live until the next read.
/// </summary>
internal sealed class LineReader : IDisposable
{
    private readonly FileStream stream;
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
    private int start, end;
    private long origin;
    private bool atEnd;

    public LineReader(string path)
    {
        stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        while (end < 4 && Fill()) { }
        FileSignature.Check(path, buffer.AsSpan(0, end));
        IsEmpty = end == 0;
        if (buffer.AsSpan(0, end).StartsWith(FileSignature.Utf8Mark)) start = 3;
    }

    /// <summary>True for a file of no bytes at all.</summary>
    public bool IsEmpty { get; }

    /// <summary>The 1-based number of <see cref="Line"/>.</summary>
    public int Number { get; private set; }

    /// <summary>The byte of the file at which <see cref="Line"/> begins.</summary>
    public long Offset { get; private set; }

    /// <summary>The current line without its end.</summary>
    public Memory<byte> Line { get; private set; }

    /// <summary>Goes to the next line. False at the end of the file.</summary>
    public bool Read()
    {
        var searched = 0;
        while (true)
        {
            var found = buffer.AsSpan(start + searched, end - start - searched).IndexOf((byte)'\n');
            if (found >= 0) return Take(searched + found, 1);
            searched = end - start;
            if (!Fill()) return searched > 0 && Take(searched, 0);
        }
    }

    private bool Take(int length, int ending)
    {
        var line = buffer.AsMemory(start, length);
        Offset = origin + start;
        Line = ending == 1 && line.Span.EndsWith("\r"u8) ? line[..^1] : line;
        start += length + ending;
        Number++;
        return true;
    }

    /// <summary>Reads more bytes behind <see cref="end"/>; moves or grows the buffer when it is full. The current line dies here.</summary>
    private bool Fill()
    {
        if (atEnd) return false;
        if (end == buffer.Length)
        {
            var target = start > 0 ? buffer : ArrayPool<byte>.Shared.Rent(checked(buffer.Length * 2));
            Buffer.BlockCopy(buffer, start, target, 0, end - start);
            if (target != buffer) ArrayPool<byte>.Shared.Return(buffer);
            (buffer, end, origin, start) = (target, end - start, origin + start, 0);
        }
        var read = stream.Read(buffer, end, buffer.Length - end);
        atEnd = read == 0;
        end += read;
        return read > 0;
    }

    public void Dispose()
    {
        stream.Dispose();
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
        Line = default;
    }
}
