using System.Buffers.Binary;

namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>
/// A Parquet file (https://parquet.apache.org/docs/file-format/), one row group in memory at a time. Structures become objects, lists arrays; dates
/// and decimals are the numbers that stand in the file.
/// </summary>
/// <remarks>
/// Read here, with libraries for the codecs only: of the readers that run without native code none reads uncompressed pages of version 2 and lists in
/// lists, which occur in data sets of the hub, and the wrapper of Arrow's reader brings 119 MB of native libraries.
/// </remarks>
internal sealed class ParquetRows : RowFile
{
    private readonly SchemaNode root;
    private readonly IReadOnlyList<SchemaNode> columns;
    private readonly ThriftStruct[] groups;
    private readonly Lock decoding = new();
    private (int Group, Memory<byte>[] Rows) last = (-1, []);

    /// <exception cref="DatasetException">The file is no Parquet file, damaged or encrypted.</exception>
    public ParquetRows(string path) : base(path)
    {
        try
        {
            var metadata = Footer();
            (root, columns) = SchemaNode.Read([.. metadata.Structs(2)]);
            groups = [.. metadata.Structs(4)];
        }
        catch (Exception fault) when (IsDamage(fault))
        {
            throw new DatasetException(path, $"the Parquet file is damaged: {fault.Message}");
        }
    }

    /// <inheritdoc/>
    public override long ContentBytes => groups.Sum(g => Math.Max(0, g.Number(2) ?? 0));

    /// <inheritdoc/>
    public override void Read(ProblemList problems, Action<RawRow> take)
    {
        var number = 0;
        for (var group = 0; group < groups.Length; group++)
        {
            var rows = Decode(group);
            for (var i = 0; i < rows.Length; i++, number++) take(new RawRow(rows[i], number + 1, number + 1, InArray: true, new RowPlace(group, i)));
        }
    }

    /// <inheritdoc/>
    public override Memory<byte> Fetch(RowPlace place)
    {
        lock (decoding)
        {
            if (last.Group != (int)place.Offset) last = ((int)place.Offset, Decode((int)place.Offset));
            // A row may be changed in place while it is parsed.
            return last.Rows[place.Length].ToArray();
        }
    }

    private Memory<byte>[] Decode(int group)
    {
        try
        {
            var chunks = groups[group].Structs(1).ToArray();
            if (chunks.Length != columns.Count) throw new InvalidDataException($"{chunks.Length} chunks for {columns.Count} columns");
            var values = new ColumnValues[columns.Count];
            for (var i = 0; i < values.Length; i++)
            {
                var metadata = chunks[i].Struct(3) ?? throw new InvalidDataException("the metadata of a column are missing");
                var start = metadata.Number(11) is > 0 and var dictionary ? Math.Min(dictionary, metadata.Required(9, "place of a column")) : metadata.Required(9, "place of a column");
                values[i] = PageReader.Read(Bytes(new RowPlace(start, checked((int)metadata.Required(7, "size of a column")))), metadata, columns[i]);
            }
            var writer = new RecordWriter(root, values);
            var count = groups[group].Required(3, "number of rows");
            // Every row has an entry in every column.
            if (count < 0 || values.Any(v => v.Count < count)) throw new InvalidDataException($"{count} rows are more than its columns have");
            var rows = new Memory<byte>[count];
            for (var i = 0; i < rows.Length; i++) rows[i] = writer.Next();
            return rows;
        }
        catch (Exception fault) when (IsDamage(fault))
        {
            throw new DatasetException(Path, $"row group {group + 1} of {groups.Length} cannot be read: {fault.Message}");
        }
    }

    private ThriftStruct Footer()
    {
        var length = new FileInfo(Path).Length;
        if (length < 12) throw new InvalidDataException("the footer is missing");
        var tail = Bytes(new RowPlace(length - 8, 8));
        if (tail.AsSpan(4).SequenceEqual("PARE"u8)) throw new InvalidDataException("the footer is encrypted; write the file without encryption");
        if (!tail.AsSpan(4).SequenceEqual("PAR1"u8)) throw new InvalidDataException("the footer is missing (was the file cut off?)");
        var size = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (size < 1 || size > length - 12) throw new InvalidDataException("the footer has no size that can be");
        var reader = new ThriftReader(Bytes(new RowPlace(length - 8 - size, size)));
        return reader.Struct();
    }

    // What decoding bytes that were not written so ends in: places outside of arrays, and numbers out of range.
    private static bool IsDamage(Exception fault) => fault is InvalidDataException or ArgumentException or IndexOutOfRangeException or OverflowException
        or InvalidOperationException or OutOfMemoryException or ZstdSharp.ZstdException || fault.GetType() == typeof(LowRankException);
}
