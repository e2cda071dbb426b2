namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>Reads the pages of a column chunk (https://parquet.apache.org/docs/file-format/data-pages/), of both versions.</summary>
internal static class PageReader
{
    private enum PageType { Data = 0, Dictionary = 2, DataV2 = 3 }

    /// <summary>All entries of a column in a row group.</summary>
    /// <param name="chunk">The bytes of the chunk.</param>
    /// <param name="metadata">Its ColumnMetaData.</param>
    /// <param name="node">The column.</param>
    /// <exception cref="InvalidDataException">The chunk is damaged, or written in a way that is not known.</exception>
    public static ColumnValues Read(ReadOnlySpan<byte> chunk, ThriftStruct metadata, SchemaNode node)
    {
        var entries = checked((int)metadata.Required(5, "number of values"));
        // More than writers put into a row group; a damaged number must not ask for all of memory.
        if (entries is < 0 or > 1 << 27) throw new InvalidDataException("a number of values is out of range");
        var column = new ColumnValues(node);
        var codec = metadata.Number(4) ?? 0;
        ColumnValues? dictionary = null;
        for (var at = 0; column.Count < entries;)
        {
            var reader = new ThriftReader(chunk[at..]);
            var header = reader.Struct();
            at += reader.Position;
            var bytes = chunk.Slice(at, checked((int)header.Required(3, "size of a page")));
            at += bytes.Length;
            var size = header.Required(2, "size of a page");
            switch ((PageType)header.Required(1, "type of a page"))
            {
                case PageType.Dictionary:
                    var count = checked((int)(header.Struct(7) ?? throw Missing()).Required(1, "number of values"));
                    dictionary = new ColumnValues(node);
                    PageValues.Plain(Compression.Decompress(codec, bytes, size), node, count, dictionary);
                    break;
                case PageType.Data:
                    DataPage(Compression.Decompress(codec, bytes, size), header.Struct(5) ?? throw Missing(), node, column, dictionary, entries);
                    break;
                case PageType.DataV2:
                    DataPageV2(bytes, size, codec, header.Struct(8) ?? throw Missing(), node, column, dictionary, entries);
                    break;
                default: break; // Index pages hold no values.
            }
        }
        return column;
    }

    private static void DataPage(ReadOnlySpan<byte> page, ThriftStruct header, SchemaNode node, ColumnValues column, ColumnValues? dictionary, int entries)
    {
        var (definitions, repetitions) = column.Take(Count(header, column, entries));
        var at = 0;
        if (node.Repeats > 0) at += Levels(page, header.Number(4), node.Repeats, repetitions.Span);
        if (node.Defined > 0) at += Levels(page[at..], header.Number(3), node.Defined, definitions.Span);
        PageValues.Read(page[at..], header.Required(2, "encoding"), node, definitions.Span.Count(node.Defined), column, dictionary);
    }

    private static void DataPageV2(ReadOnlySpan<byte> page, long size, long codec, ThriftStruct header, SchemaNode node, ColumnValues column, ColumnValues? dictionary, int entries)
    {
        var (definitions, repetitions) = column.Take(Count(header, column, entries));
        var (definitionBytes, repetitionBytes) = (checked((int)header.Required(5, "length of the levels")), checked((int)header.Required(6, "length of the levels")));
        // Levels are never compressed here, and stand without their lengths.
        if (node.Repeats > 0) HybridDecoder.Read(page[..repetitionBytes], Width(node.Repeats), repetitions.Span);
        if (node.Defined > 0) HybridDecoder.Read(page.Slice(repetitionBytes, definitionBytes), Width(node.Defined), definitions.Span);
        var packed = page[(definitionBytes + repetitionBytes)..];
        var values = header.Flag(7) == false ? packed.ToArray() : Compression.Decompress(codec, packed, size - definitionBytes - repetitionBytes);
        PageValues.Read(values, header.Required(4, "encoding"), node, definitions.Span.Count(node.Defined), column, dictionary);
    }

    private static int Count(ThriftStruct header, ColumnValues column, int entries) =>
        header.Required(1, "number of values") is >= 0 and var count && count <= entries - column.Count ? (int)count : throw new InvalidDataException("a page holds more values than its column");

    private static int Levels(ReadOnlySpan<byte> page, long? encoding, int most, Span<int> levels)
    {
        if (encoding is not (null or 3)) throw new InvalidDataException("levels in the old bit packing, which writers gave up; write the file again");
        var length = System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(page);
        HybridDecoder.Read(page.Slice(4, length), Width(most), levels);
        return 4 + length;
    }

    private static int Width(int most) => 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)most);

    private static InvalidDataException Missing() => new("the header of a page is missing");
}
