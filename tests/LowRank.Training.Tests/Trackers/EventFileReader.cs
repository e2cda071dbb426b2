using System.Buffers.Binary;
using LowRank.Training.Trackers.TensorBoard.Proto;

namespace LowRank.Training.Tests.Trackers;

/// <summary>Reads event files, with a checksum of its own: bit by bit, as CRC-32C is defined.</summary>
internal static class EventFileReader
{
    public static List<byte[]> Payloads(string path)
    {
        var (file, records) = (File.ReadAllBytes(path), new List<byte[]>());
        for (var at = 0; at < file.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(Masked(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            var payload = file.AsSpan(at + 12, length);
            Assert.Equal(Masked(payload), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            records.Add(payload.ToArray());
            at += length + 16;
        }
        return records;
    }

    public static List<Event> Read(string path) => [.. Payloads(path).Select(p => Event.Parser.ParseFrom(p))];

    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
        }
        crc = ~crc;
        return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
    }
}
