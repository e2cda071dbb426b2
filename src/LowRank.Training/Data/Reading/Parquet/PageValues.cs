using System.Buffers.Binary;
using Physical = LowRank.Training.Data.Reading.Parquet.SchemaNode.Physical;

namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>Decodes the values of a page (https://parquet.apache.org/docs/file-format/data-pages/encodings/).</summary>
internal static class PageValues
{
    /// <exception cref="InvalidDataException">The bytes are damaged, or the encoding is not known.</exception>
    public static void Read(ReadOnlySpan<byte> bytes, long encoding, SchemaNode node, int count, ColumnValues column, ColumnValues? dictionary)
    {
        if (count == 0) return;
        switch (encoding)
        {
            case 0: Plain(bytes, node, count, column); break;
            case 2 or 8: Indexed(bytes, count, column, dictionary ?? throw new InvalidDataException("a dictionary is missing")); break;
            case 3 when node.Type == Physical.Boolean:
                var bits = new int[count];
                HybridDecoder.Read(bytes[4..], 1, bits);
                foreach (var bit in bits) column.Numbers.Add(bit);
                break;
            case 5 when node.Type is Physical.Int32 or Physical.Int64:
                foreach (var number in DeltaDecoder.Numbers(bytes, count).Values) column.Numbers.Add(node.Type == Physical.Int32 ? (int)number : number);
                break;
            case 6: column.Texts.AddRange(DeltaDecoder.Lengths(bytes, count)); break;
            case 7: column.Texts.AddRange(DeltaDecoder.Prefixes(bytes, count)); break;
            case 9: Plain(Joined(bytes, Width(node), count), node, count, column); break;
            default: throw new InvalidDataException($"the encoding {encoding} is not known");
        }
    }

    /// <summary>Values one behind the other.</summary>
    public static void Plain(ReadOnlySpan<byte> bytes, SchemaNode node, int count, ColumnValues column)
    {
        var at = 0;
        for (var i = 0; i < count; i++)
        {
            var rest = bytes[at..];
            switch (node.Type)
            {
                case Physical.Boolean:
                    column.Numbers.Add(bytes[i / 8] >> (i % 8) & 1);
                    continue;
                case Physical.Int32: column.Numbers.Add(BinaryPrimitives.ReadInt32LittleEndian(rest)); break;
                case Physical.Int64: column.Numbers.Add(BinaryPrimitives.ReadInt64LittleEndian(rest)); break;
                case Physical.Float: column.Fractions.Add(BinaryPrimitives.ReadSingleLittleEndian(rest)); break;
                case Physical.Double: column.Fractions.Add(BinaryPrimitives.ReadDoubleLittleEndian(rest)); break;
                case Physical.Bytes:
                    var text = rest.Slice(4, BinaryPrimitives.ReadInt32LittleEndian(rest));
                    column.Texts.Add(text.ToArray());
                    at += 4 + text.Length;
                    continue;
                default: column.Texts.Add(rest[..Width(node)].ToArray()); break;
            }
            at += Width(node);
        }
    }

    private static void Indexed(ReadOnlySpan<byte> bytes, int count, ColumnValues column, ColumnValues dictionary)
    {
        var indices = new int[count];
        HybridDecoder.Read(bytes[1..], bytes[0], indices);
        foreach (var index in indices)
        {
            if (dictionary.Texts.Count > 0) column.Texts.Add(dictionary.Texts[index]);
            else if (dictionary.Fractions.Count > 0) column.Fractions.Add(dictionary.Fractions[index]);
            else column.Numbers.Add(dictionary.Numbers[index]);
        }
    }

    /// <summary>BYTE_STREAM_SPLIT: first all first bytes, then all second ones.</summary>
    private static byte[] Joined(ReadOnlySpan<byte> bytes, int width, int count)
    {
        var joined = new byte[checked(count * width)];
        for (var i = 0; i < count; i++)
            for (var b = 0; b < width; b++) joined[i * width + b] = bytes[b * count + i];
        return joined;
    }

    private static int Width(SchemaNode node) => node.Type switch
    {
        Physical.Int32 or Physical.Float => 4,
        Physical.Int64 or Physical.Double => 8,
        Physical.Int96 => 12,
        Physical.FixedBytes when node.TypeLength > 0 => node.TypeLength,
        _ => throw new InvalidDataException("a column has no width"),
    };
}
