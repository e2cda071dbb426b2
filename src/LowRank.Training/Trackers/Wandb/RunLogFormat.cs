namespace LowRank.Training.Trackers.Wandb;

/// <summary>
/// The framing of a run's file: 7 bytes of header, then LevelDB's log format over blocks of 32768 bytes that are counted from the start of the file. A record is one chunk, or
/// several where it crosses blocks. A chunk: CRC-32 (IEEE, not masked) of type and data, length, type, data, all little endian. What is left of a block and too short for a
/// chunk's head is zero.
/// </summary>
internal static class RunLogFormat
{
    /// <summary>Length of the file's header.</summary>
    public const int HeaderLength = 7;

    /// <summary>Length of a block.</summary>
    public const int BlockLength = 32768;

    /// <summary>Length of a chunk's head.</summary>
    public const int ChunkHeadLength = 7;

    /// <summary>A record in one chunk.</summary>
    public const byte Full = 1;

    /// <summary>The first chunk of a record.</summary>
    public const byte First = 2;

    /// <summary>One between.</summary>
    public const byte Middle = 3;

    /// <summary>The last chunk of a record.</summary>
    public const byte Last = 4;

    /// <summary>":W&amp;B", 0xBEE1, version 0.</summary>
    public static ReadOnlySpan<byte> Header => [(byte)':', (byte)'W', (byte)'&', (byte)'B', 0xE1, 0xBE, 0];
}
