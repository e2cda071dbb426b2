using System.Buffers.Binary;

namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>
/// Reads structures of Thrift's compact protocol, in which Parquet keeps its metadata
/// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md). Every length is checked against what is left.
/// </summary>
internal ref struct ThriftReader(ReadOnlySpan<byte> bytes)
{
    private const int Deepest = 32;
    private readonly ReadOnlySpan<byte> bytes = bytes;

    /// <summary>How many bytes were read.</summary>
    public int Position { get; private set; }

    /// <exception cref="InvalidDataException">The bytes are no such structure.</exception>
    public ThriftStruct Struct(int depth = 0)
    {
        if (depth > Deepest) throw new InvalidDataException("structures are nested too deeply");
        var read = new ThriftStruct();
        var field = 0;
        while (true)
        {
            var head = Byte();
            if (head == 0) return read;
            field = head >> 4 is > 0 and var step ? field + step : (short)ZigZag();
            read.Set(field, (head & 15) switch
            {
                1 => true,
                2 => false,
                var type => Value(type, depth),
            });
        }
    }

    private object Value(int type, int depth)
    {
        // Lists in lists are made without a structure between them.
        if (depth > Deepest) throw new InvalidDataException("values are nested too deeply");
        switch (type)
        {
            case 1 or 2: return Byte() == 1;
            case 3: return (long)(sbyte)Byte();
            case 4 or 5 or 6: return ZigZag();
            case 7: return BinaryPrimitives.ReadDoubleLittleEndian(Take(8));
            case 8: return Take(Length()).ToArray();
            case 9 or 10:
                var head = Byte();
                var count = head >> 4 is < 15 and var small ? small : Length();
                if (count > bytes.Length - Position) throw new InvalidDataException("a list is longer than the file");
                var list = new List<object>(count);
                for (var i = 0; i < count; i++) list.Add((head & 15) == 12 ? Struct(depth + 1) : Value(head & 15, depth + 1));
                return list;
            case 11:
                var pairs = Length();
                if (pairs == 0) return new List<object>();
                var types = Byte();
                for (var i = 0; i < pairs; i++) _ = (Value(types >> 4, depth + 1), Value(types & 15, depth + 1));
                return new List<object>();
            case 12: return Struct(depth + 1);
            default: throw new InvalidDataException($"there is no type {type}");
        }
    }

    private byte Byte() => Take(1)[0];

    private int Length() => VarInt() is var length && length <= int.MaxValue ? (int)length : throw new InvalidDataException("a length is out of range");

    private ulong VarInt()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Byte();
            value |= (ulong)(b & 127) << shift;
            if (b < 128) return value;
        }
        throw new InvalidDataException("a number has too many bytes");
    }

    private long ZigZag() => VarInt() is var value ? (long)(value >> 1) ^ -(long)(value & 1) : 0;

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > bytes.Length - Position) throw new InvalidDataException("it ends too early");
        var taken = bytes.Slice(Position, count);
        Position += count;
        return taken;
    }
}
