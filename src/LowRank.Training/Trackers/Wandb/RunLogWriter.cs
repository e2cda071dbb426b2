using System.Buffers.Binary;
using System.IO.Hashing;
using Google.Protobuf;
using LowRank.Training.Trackers.Wandb.Proto;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>Appends records to a run's file in its framing (<see cref="RunLogFormat"/>).</summary>
internal sealed class RunLogWriter : IDisposable
{
    private readonly Stream stream;
    private readonly Crc32 crc = new();
    private long position;

    /// <summary>Goes on at the stream's end; an empty stream gets its header.</summary>
    /// <param name="stream">The file. It is closed with the writer.</param>
    public RunLogWriter(Stream stream)
    {
        this.stream = stream;
        position = stream.Seek(0, SeekOrigin.End);
        if (position > 0) return;
        stream.Write(RunLogFormat.Header);
        position = RunLogFormat.HeaderLength;
    }

    /// <summary>Appends a record.</summary>
    public void Write(Record record) => Write(record.ToByteArray());

    /// <summary>Appends the bytes of a record.</summary>
    public void Write(ReadOnlySpan<byte> record)
    {
        var isFirst = true;
        bool isLast;
        do
        {
            var left = RunLogFormat.BlockLength - (int)(position % RunLogFormat.BlockLength);
            if (left < RunLogFormat.ChunkHeadLength)
            {
                ReadOnlySpan<byte> padding = [0, 0, 0, 0, 0, 0];
                Append(padding[..left]);
                left = RunLogFormat.BlockLength;
            }
            var part = record[..Math.Min(record.Length, left - RunLogFormat.ChunkHeadLength)];
            record = record[part.Length..];
            isLast = record.IsEmpty;
            WriteChunk((isFirst, isLast) switch { (true, true) => RunLogFormat.Full, (true, false) => RunLogFormat.First, (false, false) => RunLogFormat.Middle, _ => RunLogFormat.Last }, part);
            isFirst = false;
        }
        while (!isLast);
    }

    /// <summary>Hands what was written to the system.</summary>
    public void Flush() => stream.Flush();

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    private void WriteChunk(byte type, ReadOnlySpan<byte> data)
    {
        Span<byte> head = stackalloc byte[RunLogFormat.ChunkHeadLength];
        head[6] = type;
        crc.Append(head[6..]);
        crc.Append(data);
        BinaryPrimitives.WriteUInt32LittleEndian(head, crc.GetCurrentHashAsUInt32());
        crc.Reset();
        BinaryPrimitives.WriteUInt16LittleEndian(head[4..], (ushort)data.Length);
        Append(head);
        Append(data);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        position += bytes.Length;
    }
}
