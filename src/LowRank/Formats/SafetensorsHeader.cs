using System.Text.Json;
using System.Text.Unicode;

namespace LowRank.Formats;

/// <summary>
/// Reads and checks the JSON header of a safetensors file. The checks are those of the Rust library (safetensors 0.8,
/// <c>Metadata::validate</c>): the tensors fill the data section without gap or overlap, and every length fits its shape.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The limit of the Rust library: a header is read whole, so a hostile length must not decide the memory.</summary>
    public const int MaxBytes = 100_000_000;

    private readonly string path;
    private readonly Dictionary<string, TensorInfo> byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);

    private SafetensorsHeader(string path) => this.path = path;

    public IReadOnlyDictionary<string, TensorInfo> ByName => byName;

    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>The tensors in the order of their data.</summary>
    public TensorInfo[] Tensors { get; private set; } = [];

    public static SafetensorsHeader Read(MappedFile file)
    {
        var announced = BitConverter.ToUInt64(file.Span(0, 8));
        if (announced > MaxBytes)
            throw new SafetensorsException(file.Path,
                $"{file.Path}: the header claims {announced} bytes, the limit is {MaxBytes}. This is not a safetensors file, or it is damaged.");
        if ((long)announced > file.Length - 8)
            throw new SafetensorsException(file.Path,
                $"{file.Path}: the header claims {announced} bytes, but only {file.Length - 8} follow. The file is truncated: copy or download it again.");
        var json = file.Span(8, (int)announced);
        var header = new SafetensorsHeader(file.Path);
        if (!Utf8.IsValid(json)) throw header.Error("the header is not valid UTF-8");
        if (json.IsEmpty || json[0] != (byte)'{') throw header.Error("the header does not begin with '{'");
        try
        {
            header.Parse(json, 8 + (long)announced);
        }
        catch (JsonException e)
        {
            throw header.Error($"the header is not valid JSON: {JsonErrorText.Of(e)}");
        }
        catch (InvalidOperationException e) // an escape that is no Unicode text, such as a lone surrogate
        {
            throw header.Error($"the header is not valid JSON: {e.Message.TrimEnd('.')}");
        }
        header.Tensors = header.CheckLayout(8 + (long)announced, file.Length);
        return header;
    }

    private SafetensorsException Error(string message, string? tensor = null) =>
        new(path, tensor is null ? $"{path}: {message}." : $"{path}: tensor '{tensor}': {message}.", tensor);

    private void Parse(ReadOnlySpan<byte> json, long dataStart)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == "__metadata__") ReadMetadata(ref reader);
            else if (!byName.TryAdd(name, ReadTensor(ref reader, name, dataStart))) throw Error("appears twice in the header", name);
        }
        if (reader.Read()) throw Error("text follows the header's closing brace");
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (metadata.Count > 0) throw Error("__metadata__ appears twice in the header");
        if (reader.TokenType != JsonTokenType.StartObject) throw Error("__metadata__ must be an object of strings");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) throw Error($"__metadata__ key '{key}' must be a string, not {reader.TokenType}");
            if (!metadata.TryAdd(key, reader.GetString()!)) throw Error($"__metadata__ key '{key}' appears twice");
        }
    }

    private TensorInfo ReadTensor(ref Utf8JsonReader reader, string name, long dataStart)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Error($"must be an object with dtype, shape and data_offsets, not {reader.TokenType}", name);
        string? dtype = null;
        long[]? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (key is "dtype" && dtype is not null || key is "shape" && shape is not null || key is "data_offsets" && offsets is not null)
                throw Error($"{key} appears twice", name);
            switch (key)
            {
                case "dtype" when reader.TokenType == JsonTokenType.String: dtype = reader.GetString(); break;
                case "dtype": throw Error($"dtype must be a string, not {reader.TokenType}", name);
                case "shape": shape = ReadNumbers(ref reader, name, key); break;
                case "data_offsets": offsets = ReadNumbers(ref reader, name, key); break;
                default: reader.Skip(); break; // the Rust library ignores fields it does not know
            }
        }
        if (dtype is null || shape is null || offsets is null)
            throw Error($"has no {(dtype is null ? "dtype" : shape is null ? "shape" : "data_offsets")}", name);
        if (!TensorTypes.TryParseSafetensors(dtype, out var type)) throw Error($"dtype '{dtype}' is not supported; supported are {TensorTypes.SafetensorsNames}", name);
        if (offsets.Length != 2) throw Error($"data_offsets must be two numbers, not {offsets.Length}", name);
        if (offsets[0] > offsets[1]) throw Error($"data_offsets {TensorInfo.ShapeOf(offsets)} end before they begin", name);
        if (!TryByteLength(type, shape, out var bytes)) throw Error($"shape {TensorInfo.ShapeOf(shape)} of {dtype} has more bytes than 63 bits can count", name);
        if (offsets[1] - offsets[0] != bytes)
            throw Error($"shape {TensorInfo.ShapeOf(shape)} of {dtype} takes {bytes} bytes, but data_offsets {TensorInfo.ShapeOf(offsets)} hold {offsets[1] - offsets[0]}", name);
        if (offsets[1] > long.MaxValue - dataStart) throw Error($"data_offsets {TensorInfo.ShapeOf(offsets)} are beyond any file", name);
        return new TensorInfo(name, type, shape, dataStart + offsets[0], bytes, path);
    }

    private long[] ReadNumbers(ref Utf8JsonReader reader, string name, string key)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Error($"{key} must be an array of numbers, not {reader.TokenType}", name);
        var numbers = new List<long>(4);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var n) || n < 0)
                throw Error($"{key} must hold whole numbers from 0 to {long.MaxValue}", name);
            numbers.Add(n);
        }
        return [.. numbers];
    }

    internal static bool TryByteLength(TensorType type, ReadOnlySpan<long> shape, out long bytes)
    {
        var product = (Int128)type.BlockBytes();
        foreach (var n in shape)
        {
            // As the Rust library: the product of all dimensions up to here must fit, even where a later 0 makes the tensor empty.
            product *= n;
            if (product > long.MaxValue) { bytes = 0; return false; }
        }
        bytes = (long)product;
        return true;
    }

    private TensorInfo[] CheckLayout(long dataStart, long fileLength)
    {
        TensorInfo[] tensors = [.. byName.Values];
        Array.Sort(tensors, (a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset)
            : a.ByteLength != b.ByteLength ? a.ByteLength.CompareTo(b.ByteLength) : string.CompareOrdinal(a.Name, b.Name));
        var end = dataStart;
        TensorInfo? before = null;
        foreach (var t in tensors)
        {
            var where = before is null ? "the data section begins" : $"'{before.Name}' ends";
            if (t.Offset < end) throw Error($"begins at byte {t.Offset - dataStart} of the data and overlaps: {where} at {end - dataStart}", t.Name);
            if (t.Offset > end) throw Error($"begins at byte {t.Offset - dataStart} of the data and leaves a gap: {where} at {end - dataStart}", t.Name);
            end = t.Offset + t.ByteLength;
            if (end > fileLength)
                throw Error($"ends at byte {end - dataStart} of the data, but the file holds {fileLength - dataStart}: it is truncated, copy or download it again", t.Name);
            before = t;
        }
        if (end != fileLength) throw Error($"{fileLength - end} bytes at the end of the file belong to no tensor");
        return tensors;
    }
}
