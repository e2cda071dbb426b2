using System.Buffers.Binary;
using System.Numerics;

namespace LowRank.Training.Trackers.TensorBoard;

/// <summary>The checksum of TFRecord files: CRC-32C, turned and shifted so that a checksum over data that hold checksums stays a good one (tensorflow/core/lib/hash/crc32c.h).</summary>
internal static class MaskedCrc32C
{
    private const uint Delta = 0xa282ead8;

    /// <summary>The masked checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        for (; bytes.Length >= 8; bytes = bytes[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes) crc = BitOperations.Crc32C(crc, b);
        return BitOperations.RotateRight(~crc, 15) + Delta;
    }
}
