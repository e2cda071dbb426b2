using System.Buffers.Binary;
using Google.Protobuf;
using LowRank.Training.Trackers.TensorBoard.Proto;

namespace LowRank.Training.Trackers.TensorBoard;

/// <summary>
/// An event file, written as events come: TFRecords (8 bytes of length, masked CRC-32C of them, the event, masked CRC-32C of it, all little endian). TensorBoard reads it while it
/// grows, and stops at a record that is not whole yet, so a killed process leaves a file that can be read.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private readonly FileStream stream;
    private byte[] buffer = new byte[1024];

    /// <summary>Begins a file; it must not exist.</summary>
    public EventFile(string path) => stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);

    /// <summary>Appends an event.</summary>
    public void Write(Event e)
    {
        var size = e.CalculateSize();
        if (buffer.Length < size) buffer = new byte[Math.Max(size, 2 * buffer.Length)];
        var payload = buffer.AsSpan(0, size);
        e.WriteTo(payload);
        WriteRecord(stream, payload);
    }

    /// <summary>Hands what was written to the system, where readers see it.</summary>
    public void Flush() => stream.Flush();

    /// <summary>Appends one record to a stream.</summary>
    internal static void WriteRecord(Stream stream, ReadOnlySpan<byte> payload)
    {
        Span<byte> head = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], MaskedCrc32C.Of(head[..8]));
        stream.Write(head);
        stream.Write(payload);
        Span<byte> foot = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(foot, MaskedCrc32C.Of(payload));
        stream.Write(foot);
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();
}
