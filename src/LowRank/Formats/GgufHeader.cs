using System.Buffers.Binary;
using System.Numerics;

namespace LowRank.Formats;

/// <summary>Metadata and tensor list of a GGUF file, read and checked.</summary>
internal sealed class GgufHeader
{
    private const uint Magic = 0x46554747; // "GGUF"
    private const int MaxDimensions = 4; // GGML_MAX_DIMS

    private readonly GgufCursor cursor;
    private readonly MappedFile file;
    private readonly Dictionary<string, object> metadata = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, uint> unknownTypes = new(StringComparer.Ordinal);

    private GgufHeader(MappedFile file)
    {
        this.file = file;
        cursor = new GgufCursor(file);
    }

    public int Version { get; private set; }

    public long DataOffset { get; private set; }

    public long Alignment { get; private set; } = 32;

    public IReadOnlyDictionary<string, object> Metadata => metadata;

    public IReadOnlyDictionary<string, TensorInfo> ByName => byName;

    /// <summary>The type ids of tensors whose type is <see cref="TensorType.Unknown"/>.</summary>
    public IReadOnlyDictionary<string, uint> UnknownTypes => unknownTypes;

    /// <summary>The tensors in the order of their data.</summary>
    public TensorInfo[] Tensors { get; private set; } = [];

    public static GgufHeader Read(MappedFile file)
    {
        var header = new GgufHeader(file);
        header.ReadVersion();
        header.ReadAll();
        return header;
    }

    private void ReadVersion()
    {
        var magic = cursor.UInt32("magic");
        if (magic != Magic)
            throw new GgufException(file.Path, $"{file.Path}: the file begins with 0x{BinaryPrimitives.ReverseEndianness(magic):x8}, not with \"GGUF\": it is not a GGUF file.");
        var version = cursor.UInt32("version");
        if ((version & 0xffff) == 0 && version != 0)
            throw new GgufException(file.Path, $"{file.Path}: this is a big-endian GGUF file (version {BinaryPrimitives.ReverseEndianness(version)}), which is not supported. Take the little-endian file, or convert it with gguf-py's gguf_convert_endian.");
        if (version is < 2 or > 3)
            throw new GgufException(file.Path, $"{file.Path}: GGUF version {version} is not supported; 2 and 3 are. Convert the model again with a current llama.cpp.");
        Version = (int)version;
    }

    private void ReadAll()
    {
        // Least sizes: a tensor is name length, dimension count, type and offset; a metadata pair is key length, type and one byte.
        var tensorCount = cursor.Count("the number of tensors", 24);
        var pairCount = cursor.Count("the number of metadata keys", 13);
        for (var i = 0; i < pairCount; i++)
        {
            var key = cursor.String("metadata key");
            if (!metadata.TryAdd(key, GgufValue.Read(cursor, key, cursor.UInt32($"type of '{key}'")))) throw cursor.Error($"metadata key '{key}' appears twice", key);
        }
        if (metadata.TryGetValue("general.alignment", out var value))
        {
            if (value is not uint alignment || !BitOperations.IsPow2(alignment) || alignment > 1 << 30)
                throw cursor.Error($"general.alignment is {value}; a power of two up to 2^30 as UINT32 was expected", "general.alignment");
            Alignment = alignment;
        }
        var listed = new TensorInfo[tensorCount];
        for (var i = 0; i < tensorCount; i++) listed[i] = ReadTensor();
        DataOffset = (cursor.Position + Alignment - 1) / Alignment * Alignment;
        PlaceTensors(listed);
    }

    /// <summary>Reads one entry; its offset still counts from the data section.</summary>
    private TensorInfo ReadTensor()
    {
        var name = cursor.String("tensor name");
        var dimensions = cursor.UInt32($"dimension count of '{name}'");
        if (dimensions > MaxDimensions) throw cursor.Error($"tensor '{name}' has {dimensions} dimensions; at most {MaxDimensions} are allowed", name);
        var shape = new long[dimensions];
        for (var i = shape.Length - 1; i >= 0; i--) // stored fastest first
        {
            var n = cursor.UInt64($"shape of '{name}'");
            shape[i] = n <= long.MaxValue ? (long)n : throw cursor.Error($"tensor '{name}' has a dimension of {n}", name);
        }
        var id = cursor.UInt32($"type of '{name}'");
        var type = TensorTypes.FromGgml(id);
        var offset = cursor.UInt64($"offset of '{name}'");
        if (offset > (ulong)file.Length) throw cursor.Error($"tensor '{name}' begins at byte {offset} of the data, but the whole file has {file.Length}", name);
        if (offset % (ulong)Alignment != 0) throw cursor.Error($"tensor '{name}' begins at byte {offset} of the data, which is no multiple of the alignment {Alignment}", name);
        if (!SafetensorsHeader.TryByteLength(TensorType.F64, shape, out var atMost)) throw cursor.Error($"tensor '{name}' of shape {TensorInfo.ShapeOf(shape)} has too many elements", name);
        if (type == TensorType.Unknown) unknownTypes.TryAdd(name, id);
        else if ((shape.Length == 0 ? 1 : shape[^1]) % type.BlockSize() != 0)
            throw cursor.Error($"tensor '{name}' has rows of {(shape.Length == 0 ? 1 : shape[^1])}, which is no multiple of the {type.BlockSize()} values in a block of {type}", name);
        var bytes = type == TensorType.Unknown ? -1 : atMost / 8 / type.BlockSize() * type.BlockBytes();
        return new TensorInfo(name, type, shape, (long)offset, bytes, file.Path);
    }

    private void PlaceTensors(TensorInfo[] listed)
    {
        Array.Sort(listed, (a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.ByteLength.CompareTo(b.ByteLength));
        var room = Math.Max(file.Length - DataOffset, 0); // a file without data may end before its padding
        long end = 0;
        for (var i = 0; i < listed.Length; i++)
        {
            var t = listed[i];
            if (t.Offset < end) throw cursor.Error($"tensor '{t.Name}' begins at byte {t.Offset} of the data and overlaps '{listed[i - 1].Name}', which ends at {end}", t.Name);
            // The length of an unknown type is not known: what lies before the next tensor is the best that can be said.
            var next = i + 1 < listed.Length ? listed[i + 1].Offset : Math.Max(room, t.Offset);
            if (t.ByteLength < 0) t = t with { ByteLength = next - t.Offset };
            end = t.Offset + t.ByteLength;
            if (end > room)
                throw new GgufException(file.Path, $"{file.Path}: tensor '{t.Name}' ends at byte {end} of the data, but the file holds {room}: it is truncated, copy or download it again.", t.Name);
            listed[i] = t with { Offset = Math.Min(DataOffset + t.Offset, file.Length) };
            if (!byName.TryAdd(t.Name, listed[i])) throw cursor.Error($"tensor '{t.Name}' appears twice", t.Name);
        }
        Tensors = listed;
    }
}
