using System.Buffers;

namespace LowRank.Training.Data.Reading;

/// <summary>
/// A stretch of a file in memory that moves forward: what was taken is dropped, and more is read behind the rest, so that memory holds no more than what someone needs at once. Its bytes
/// may be changed in place and live until the next <see cref="Fill"/>. A UTF-8 mark at the file's start is left out.
/// </summary>
internal sealed class ByteWindow : IDisposable
{
    // No text that a model could read is as long, and a file without line ends is not taken into memory.
    private const int MostBytes = 1 << 29;

    private readonly string path;
    private readonly int most;
    private readonly FileStream stream;
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
    private int start, end;

    /// <param name="path">The file.</param>
    /// <param name="most">The longest row in bytes; about.</param>
    /// <exception cref="DatasetException">The first bytes tell another encoding or a binary format.</exception>
    public ByteWindow(string path, int most = MostBytes)
    {
        (this.path, this.most) = (path, most);
        stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        try
        {
            while (end < 4 && Fill()) { }
            FileSignature.Check(path, Unread.Span);
            if (Unread.Span.StartsWith(FileSignature.Utf8Mark)) Advance(FileSignature.Utf8Mark.Length);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What was read and not yet taken.</summary>
    public Memory<byte> Unread => buffer.AsMemory(start, end - start);

    /// <summary>The byte of the file at which <see cref="Unread"/> begins.</summary>
    public long Offset { get; private set; }

    /// <summary>Whether <see cref="Unread"/> reaches to the end of the file.</summary>
    public bool IsLast { get; private set; }

    /// <summary>Takes bytes from the front.</summary>
    public void Advance(int count) => (start, Offset) = (start + count, Offset + count);

    /// <summary>Reads more behind what is there, in a larger buffer where it is full of what was not taken. False at the end of the file.</summary>
    /// <exception cref="DatasetException">What was not taken is longer than any row.</exception>
    public bool Fill()
    {
        if (IsLast) return false;
        if (end == buffer.Length)
        {
            if (start == 0 && buffer.Length >= most) throw new DatasetException(path, $"at byte {Offset} begins a row that is longer than {most >> 20} MiB; is a quote, a bracket or a line end missing?");
            var target = start > 0 ? buffer : ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
            Buffer.BlockCopy(buffer, start, target, 0, end - start);
            if (target != buffer) ArrayPool<byte>.Shared.Return(buffer);
            (buffer, end, start) = (target, end - start, 0);
        }
        var read = stream.Read(buffer, end, buffer.Length - end);
        IsLast = read == 0;
        end += read;
        return read > 0;
    }

    public void Dispose()
    {
        stream.Dispose();
        ArrayPool<byte>.Shared.Return(buffer);
        (buffer, start, end) = ([], 0, 0);
    }
}
