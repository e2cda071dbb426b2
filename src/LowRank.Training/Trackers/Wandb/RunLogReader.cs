using System.Buffers.Binary;
using System.IO.Hashing;
using Google.Protobuf;
using LowRank.Training.Trackers.Wandb.Proto;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>Reads the records of a run's file, one after the other, without holding the file in memory. A record that a killed process left half-written at the end is left out.</summary>
internal static class RunLogReader
{
    /// <summary>The records of a file.</summary>
    /// <exception cref="LowRankException">It is no such file, or damaged; the message says at which byte.</exception>
    public static IEnumerable<Record> Read(string path) => ReadBytes(path).Select(r => Parse(path, r.At, r.Bytes));

    /// <summary>The records of a file as bytes, each with the place of its first chunk.</summary>
    public static IEnumerable<(long At, byte[] Bytes)> ReadBytes(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 16);
        var header = new byte[RunLogFormat.HeaderLength];
        if (stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length || !header.AsSpan().SequenceEqual(RunLogFormat.Header))
            throw new LowRankException($"{path} is not a run of Weights & Biases: it does not begin with its header.");
        var head = new byte[RunLogFormat.ChunkHeadLength];
        var parts = new MemoryStream();
        var (position, start, isInside) = ((long)header.Length, 0L, false);
        while (true)
        {
            var left = RunLogFormat.BlockLength - (int)(position % RunLogFormat.BlockLength);
            if (left < head.Length)
            {
                stream.Seek(left, SeekOrigin.Current);
                position += left;
                left = RunLogFormat.BlockLength;
            }
            if (stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length) yield break;
            var (length, type) = (BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(4)), head[6]);
            if (length > left - head.Length) throw Damaged(path, position, "its length reaches beyond the block");
            var data = new byte[length];
            if (stream.ReadAtLeast(data, length, throwOnEndOfStream: false) < length) yield break;
            if (Checksum(type, data) != BinaryPrimitives.ReadUInt32LittleEndian(head))
            {
                // A file that had grown before its content came to disk ends in zeros.
                if (type == 0 && length == 0) yield break;
                throw Damaged(path, position, "its checksum is another one");
            }
            if (isInside != type is RunLogFormat.Middle or RunLogFormat.Last || type is < RunLogFormat.Full or > RunLogFormat.Last) throw Damaged(path, position, $"a part of type {type} does not belong there");
            if (!isInside) start = position;
            parts.Write(data);
            position += head.Length + length;
            isInside = type is RunLogFormat.First or RunLogFormat.Middle;
            if (isInside) continue;
            yield return (start, parts.ToArray());
            parts.SetLength(0);
        }
    }

    /// <summary>Reads one record.</summary>
    public static Record Parse(string path, long at, byte[] bytes)
    {
        try
        {
            return Record.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new LowRankException($"{path}: the record at byte {at} cannot be read: {error.Message}", error);
        }
    }

    private static uint Checksum(byte type, ReadOnlySpan<byte> data)
    {
        var crc = new Crc32();
        crc.Append([type]);
        crc.Append(data);
        return crc.GetCurrentHashAsUInt32();
    }

    private static LowRankException Damaged(string path, long position, string what) => new($"{path} is damaged at byte {position}: {what}. What stands before it can still be used.");
}
