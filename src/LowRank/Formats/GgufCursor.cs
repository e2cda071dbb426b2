using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace LowRank.Formats;

/// <summary>Reads the header of a GGUF file from front to back. Nothing is read beyond the end, and no count is believed that the rest of the file cannot hold.</summary>
internal sealed class GgufCursor(MappedFile file)
{
    /// <summary>Bytes from the start of the file.</summary>
    public long Position { get; private set; }

    public long Remaining => file.Length - Position;

    public GgufException Error(string message, string? subject = null) => new(file.Path, $"{file.Path}: {message} (at byte {Position}).", subject);

    public ReadOnlySpan<byte> Take(long bytes, string what)
    {
        if (bytes < 0 || bytes > Remaining) throw Error($"{what} needs {bytes} bytes, {Remaining} are left: the file is truncated or damaged");
        var span = file.Span(Position, checked((int)bytes));
        Position += bytes;
        return span;
    }

    public byte Byte(string what) => Take(1, what)[0];

    public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, what));

    public ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, what));

    /// <summary>A count of things of which each takes at least <paramref name="leastBytes"/>.</summary>
    public int Count(string what, int leastBytes)
    {
        var count = UInt64(what);
        var limit = Math.Min(int.MaxValue / 2, Remaining / leastBytes);
        return count <= (ulong)limit ? (int)count
            : throw Error($"{what} is {count}, but the {Remaining} bytes that follow hold at most {limit}: the file is truncated or damaged");
    }

    public string String(string what)
    {
        var length = UInt64($"length of {what}");
        if (length > (ulong)Math.Min(Remaining, int.MaxValue / 2)) throw Error($"{what} claims {length} bytes, {Remaining} are left: the file is truncated or damaged");
        var bytes = Take((long)length, what);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw Error($"{what} is not valid UTF-8");
    }
}
