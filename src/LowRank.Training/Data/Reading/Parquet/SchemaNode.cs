using System.Text;

namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>A field of a Parquet schema: a column, a group, or a list of either.</summary>
internal sealed class SchemaNode
{
    /// <summary>The physical types, in the order of the format.</summary>
    public enum Physical { Boolean, Int32, Int64, Int96, Float, Double, Bytes, FixedBytes }

    public required string Name { get; init; }
    public required bool IsOptional { get; init; }
    public required bool IsRepeated { get; init; }

    /// <summary>Null for a group.</summary>
    public required Physical? Type { get; init; }

    /// <summary>Bytes of a value of <see cref="Physical.FixedBytes"/>.</summary>
    public required int TypeLength { get; init; }

    /// <summary>Whether bytes are declared to be UTF-8 text.</summary>
    public required bool IsText { get; init; }

    public required bool IsUnsigned { get; init; }

    /// <summary>Whether a group with one repeated field stands for a list (or a map, a list of pairs).</summary>
    public required bool IsList { get; init; }

    /// <summary>The definition level at which a value of this field is there.</summary>
    public required int Defined { get; init; }

    /// <summary>The repetition level at which this field begins its next element.</summary>
    public required int Repeats { get; init; }

    public List<SchemaNode> Children { get; } = [];

    /// <summary>Columns are numbered in the order of the schema; these lie below the field.</summary>
    public int FirstColumn { get; private set; }
    public int ColumnsEnd { get; private set; }

    /// <summary>The root and all columns, from the flat list of the file.</summary>
    /// <exception cref="InvalidDataException">The list is no tree.</exception>
    public static (SchemaNode Root, IReadOnlyList<SchemaNode> Columns) Read(IReadOnlyList<ThriftStruct> elements)
    {
        var columns = new List<SchemaNode>();
        var at = 0;
        var root = Read(elements, ref at, columns, 0, 0, 0);
        return (root, columns);
    }

    private static SchemaNode Read(IReadOnlyList<ThriftStruct> elements, ref int at, List<SchemaNode> columns, int defined, int repeats, int depth)
    {
        if (at >= elements.Count || depth > 64) throw new InvalidDataException("the schema is not complete");
        var element = elements[at++];
        var repetition = depth == 0 ? 0 : element.Number(3) ?? 0;
        var (converted, logical, children) = (element.Number(6), element.Struct(10), element.Number(5) ?? 0);
        if (repetition > 0) defined++;
        if (repetition == 2) repeats++;
        var node = new SchemaNode
        {
            Name = Encoding.UTF8.GetString(element.Bytes(4) ?? []),
            IsOptional = repetition == 1,
            IsRepeated = repetition == 2,
            Type = children > 0 || depth == 0 ? null : element.Number(1) is >= 0 and <= 7 and var type ? (Physical)type : throw new InvalidDataException("a column has no type that is known"),
            TypeLength = (int)(element.Number(2) ?? 0),
            // UTF8, ENUM and JSON of the old annotations; STRING, ENUM and JSON of the new ones.
            IsText = converted is 0 or 4 or 19 || logical is not null && (logical.Has(1) || logical.Has(4) || logical.Has(12)),
            IsUnsigned = converted is >= 11 and <= 14 || logical?.Struct(10) is { } integer && integer.Flag(2) == false,
            IsList = converted is 1 or 2 or 3 || logical is not null && (logical.Has(2) || logical.Has(3)),
            Defined = defined,
            Repeats = repeats,
            FirstColumn = columns.Count,
        };
        if (node.Type is not null) columns.Add(node);
        for (var i = 0; i < children; i++) node.Children.Add(Read(elements, ref at, columns, defined, repeats, depth + 1));
        node.ColumnsEnd = columns.Count;
        return node;
    }
}
