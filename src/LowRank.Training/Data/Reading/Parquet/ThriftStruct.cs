namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>A Thrift structure as its fields by number. Values: long, double, bool, byte arrays, lists and structures.</summary>
internal sealed class ThriftStruct
{
    private readonly Dictionary<int, object> fields = [];

    public void Set(int field, object value) => fields[field] = value;

    public long? Number(int field) => fields.GetValueOrDefault(field) as long?;

    public bool? Flag(int field) => fields.GetValueOrDefault(field) as bool?;

    public byte[]? Bytes(int field) => fields.GetValueOrDefault(field) as byte[];

    public ThriftStruct? Struct(int field) => fields.GetValueOrDefault(field) as ThriftStruct;

    public bool Has(int field) => fields.ContainsKey(field);

    public IEnumerable<ThriftStruct> Structs(int field) => fields.GetValueOrDefault(field) is List<object> list ? list.OfType<ThriftStruct>() : [];

    /// <summary>A number without which the file cannot be read.</summary>
    /// <exception cref="InvalidDataException">It is not there.</exception>
    public long Required(int field, string name) => Number(field) ?? throw new InvalidDataException($"the {name} is missing");
}
