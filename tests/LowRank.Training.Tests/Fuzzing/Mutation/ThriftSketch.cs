using System.Buffers.Binary;

namespace LowRank.Training.Tests.Fuzzing.Mutation;

/// <summary>A structure of Thrift's compact protocol that can be changed and written again (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).</summary>
internal sealed class ThriftSketch
{
    private const int True = 1, False = 2, Byte = 3, Double = 7, Binary = 8, List = 9, Struct = 12;

    private readonly List<(int Id, int Type, object Value)> fields = [];

    /// <summary>Reads a sound structure.</summary>
    public static ThriftSketch Read(ReadOnlySpan<byte> bytes, ref int at)
    {
        var read = new ThriftSketch();
        for (var id = 0; ;)
        {
            var head = bytes[at++];
            if (head == 0) return read;
            id = head >> 4 > 0 ? id + (head >> 4) : (int)ZigZag(bytes, ref at);
            read.fields.Add((id, head & 15, (head & 15) is True or False ? (head & 15) == True : Value(bytes, ref at, head & 15)));
        }
    }

    /// <summary>Changes one to three fields anywhere in it.</summary>
    public void Damage(FuzzRandom random)
    {
        for (var n = random.Between(1, 3); n > 0; n--)
        {
            var all = All().FindAll(s => s.fields.Count > 0);
            if (all.Count > 0) random.Pick(all).Once(random);
        }
    }

    /// <summary>Its bytes.</summary>
    public byte[] Write()
    {
        var bytes = new List<byte>();
        Write(bytes, this);
        return [.. bytes];
    }

    private void Once(FuzzRandom random)
    {
        var at = random.Below(fields.Count);
        var (id, type, value) = fields[at];
        switch (random.Below(8))
        {
            case 0: fields.RemoveAt(at); break;
            case 1: fields.Insert(at, fields[at]); break;
            case 2: fields[at] = (random.Between(1, 16), type, value); break;
            case 3: fields[at] = (id, 6, (long)random.Pick(Edges.Integers)); break;
            default:
                fields[at] = value switch
                {
                    long number => (id, type, random.Below(4) switch { 0 => number + 1, 1 => number - 1, 2 => random.Between(-1, 20), _ => (long)random.Pick(Edges.Integers) }),
                    bool flag => (id, type, !flag),
                    byte[] text => (id, type, random.OneIn(3) ? [] : Flipped(text, random)),
                    (int element, List<object> items) => (id, type, (element, Items(items, random))),
                    _ => (random.Between(1, 16), type, value),
                };
                break;
        }
    }

    private static byte[] Flipped(byte[] text, FuzzRandom random)
    {
        var copy = text.ToArray();
        ByteMutator.Flip(copy, random);
        return copy;
    }

    private static List<object> Items(List<object> items, FuzzRandom random)
    {
        if (items.Count == 0) return items;
        var at = random.Below(items.Count);
        List<object> changed = [.. items];
        switch (random.Below(3))
        {
            case 0: changed.RemoveAt(at); break;
            case 1: changed.Insert(at, items[at]); break;
            default: changed.AddRange(Enumerable.Repeat(items[at], random.OneIn(10) ? 1000 : 3)); break;
        }
        return changed;
    }

    private List<ThriftSketch> All()
    {
        var all = new List<ThriftSketch> { this };
        for (var i = 0; i < all.Count; i++)
            foreach (var (_, _, value) in all[i].fields)
                if (value is ThriftSketch inner) all.Add(inner);
                else if (value is (int, List<object> items)) all.AddRange(items.OfType<ThriftSketch>());
        return all;
    }

    private static object Value(ReadOnlySpan<byte> bytes, ref int at, int type)
    {
        switch (type)
        {
            case True or False: return bytes[at++] == 1;
            case Byte: return (long)(sbyte)bytes[at++];
            case Double:
                at += 8;
                return BinaryPrimitives.ReadDoubleLittleEndian(bytes[(at - 8)..]);
            case Binary:
                var length = (int)VarInt(bytes, ref at);
                at += length;
                return bytes.Slice(at - length, length).ToArray();
            case List:
                var head = bytes[at++];
                var count = head >> 4 < 15 ? head >> 4 : (int)VarInt(bytes, ref at);
                var items = new List<object>(count);
                for (var i = 0; i < count; i++) items.Add((head & 15) == Struct ? Read(bytes, ref at) : Value(bytes, ref at, head & 15));
                return (head & 15, items);
            case Struct: return Read(bytes, ref at);
            default: return ZigZag(bytes, ref at);
        }
    }

    private static void Write(List<byte> bytes, ThriftSketch value)
    {
        var last = 0;
        foreach (var (id, type, content) in value.fields)
        {
            var written = content is bool flag ? flag ? True : False : type;
            if (id - last is > 0 and < 16) bytes.Add((byte)(((id - last) << 4) | written));
            else
            {
                bytes.Add((byte)written);
                VarInt(bytes, ZigZag(id));
            }
            last = id;
            if (content is not bool) Write(bytes, content, type);
        }
        bytes.Add(0);
    }

    private static void Write(List<byte> bytes, object value, int type)
    {
        switch (value)
        {
            case bool flag: bytes.Add(flag ? (byte)1 : (byte)2); break;
            case long number when type == Byte: bytes.Add((byte)number); break;
            case long number: VarInt(bytes, ZigZag(number)); break;
            case double number: bytes.AddRange(BitConverter.GetBytes(number)); break;
            case byte[] text:
                VarInt(bytes, (ulong)text.Length);
                bytes.AddRange(text);
                break;
            case (int element, List<object> items):
                bytes.Add((byte)(items.Count < 15 ? (items.Count << 4) | element : 0xF0 | element));
                if (items.Count >= 15) VarInt(bytes, (ulong)items.Count);
                foreach (var item in items) Write(bytes, item, element);
                break;
            default: Write(bytes, (ThriftSketch)value); break;
        }
    }

    private static ulong ZigZag(long value) => ((ulong)value << 1) ^ (ulong)(value >> 63);

    private static long ZigZag(ReadOnlySpan<byte> bytes, ref int at) => VarInt(bytes, ref at) is var value ? (long)(value >> 1) ^ -(long)(value & 1) : 0;

    private static ulong VarInt(ReadOnlySpan<byte> bytes, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var b = bytes[at++];
            value |= (ulong)(b & 127) << shift;
            if (b < 128) return value;
        }
    }

    private static void VarInt(List<byte> bytes, ulong value)
    {
        for (; value >= 128; value >>= 7) bytes.Add((byte)(value | 128));
        bytes.Add((byte)value);
    }
}
