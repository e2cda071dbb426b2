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
        var column = new ColumnValues(node, entries);
        var codec = metadata.Number(4) ?? 0;
        ColumnValues? dictionary = null;
        var read = 0;
        for (var at = 0; read < entries;)
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
                    dictionary = new ColumnValues(node, 0);
                    PageValues.Plain(Compression.Decompress(codec, bytes, size), node, count, dictionary);
                    break;
                case PageType.Data:
                    read += DataPage(Compression.Decompress(codec, bytes, size), header.Struct(5) ?? throw Missing(), node, column, dictionary, read);
                    break;
                case PageType.DataV2:
                    read += DataPageV2(bytes, size, codec, header.Struct(8) ?? throw Missing(), node, column, dictionary, read);
                    break;
                default: break; // Index pages hold no values.
            }
        }
        return column;
    }

    private static int DataPage(ReadOnlySpan<byte> page, ThriftStruct header, SchemaNode node, ColumnValues column, ColumnValues? dictionary, int read)
    {
        var count = Count(header, column, read);
        var at = 0;
        if (node.Repeats > 0) at += Levels(page, header.Number(4), node.Repeats, column.Repetitions.AsSpan(read, count));
        if (node.Defined > 0) at += Levels(page[at..], header.Number(3), node.Defined, column.Definitions.AsSpan(read, count));
        PageValues.Read(page[at..], header.Required(2, "encoding"), node, Present(column, node, read, count), column, dictionary);
        return count;
    }

    private static int DataPageV2(ReadOnlySpan<byte> page, long size, long codec, ThriftStruct header, SchemaNode node, ColumnValues column, ColumnValues? dictionary, int read)
    {
        var count = Count(header, column, read);
        var (definitions, repetitions) = (checked((int)header.Required(5, "length of the levels")), checked((int)header.Required(6, "length of the levels")));
        // Levels are never compressed here, and stand without their lengths.
        if (node.Repeats > 0) HybridDecoder.Read(page[..repetitions], Width(node.Repeats), column.Repetitions.AsSpan(read, count));
        if (node.Defined > 0) HybridDecoder.Read(page.Slice(repetitions, definitions), Width(node.Defined), column.Definitions.AsSpan(read, count));
        var packed = page[(definitions + repetitions)..];
        var values = header.Flag(7) == false ? packed.ToArray() : Compression.Decompress(codec, packed, size - definitions - repetitions);
        PageValues.Read(values, header.Required(4, "encoding"), node, Present(column, node, read, count), column, dictionary);
        return count;
    }

    private static int Count(ThriftStruct header, ColumnValues column, int read) =>
        header.Required(1, "number of values") is >= 0 and var count && count <= column.Definitions.Length - read ? (int)count : throw new InvalidDataException("a page holds more values than its column");

    private static int Levels(ReadOnlySpan<byte> page, long? encoding, int most, Span<int> levels)
    {
        if (encoding is not (null or 3)) throw new InvalidDataException("levels in the old bit packing, which writers gave up; write the file again");
        var length = System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(page);
        HybridDecoder.Read(page.Slice(4, length), Width(most), levels);
        return 4 + length;
    }

    private static int Present(ColumnValues column, SchemaNode node, int read, int count) => column.Definitions.AsSpan(read, count).Count(node.Defined);

    private static int Width(int most) => 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)most);

    private static InvalidDataException Missing() => new("the header of a page is missing");
}
