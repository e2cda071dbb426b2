using System.Runtime.InteropServices;
using System.Text;

namespace LowRank.Formats;

/// <summary>The bytes before the data of a GGUF file of version 3: counts, metadata, list of tensors, padding. Format: llama.cpp, <c>ggml/include/gguf.h</c>.</summary>
internal sealed class GgufHeaderWriter
{
    // gguf.h, enum gguf_type.
    private const uint U32 = 4, I32 = 5, F32 = 6, Bool = 7, Text = 8, List = 9, U64 = 10;

    private readonly MemoryStream bytes = new();
    private readonly BinaryWriter writer;

    private GgufHeaderWriter() => writer = new BinaryWriter(bytes, Encoding.UTF8);

    /// <summary>Writes a header and gives every tensor its place.</summary>
    /// <param name="path">Full path of the file, for errors.</param>
    /// <param name="metadata">The pairs in the order of the file: uint, int, float, bool, string, ulong, or an array of uint, int, float or string.</param>
    /// <param name="tensors">Name, type and row-major shape, in the order of their data.</param>
    /// <param name="placed">The tensors with their offset from the start of the file.</param>
    /// <exception cref="GgufException">A name appears twice, or a type or shape is none of GGUF.</exception>
    public static byte[] Write(string path, IEnumerable<KeyValuePair<string, object>> metadata, IEnumerable<(string Name, TensorType Type, long[] Shape)> tensors, out TensorInfo[] placed)
    {
        var header = new GgufHeaderWriter();
        var pairs = metadata.ToList();
        var listed = tensors.Select(t => Described(path, t.Name, t.Type, t.Shape)).ToArray();
        if (listed.GroupBy(t => t.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new GgufException(path, $"{path}: tensor '{twice.Key}' would be written twice.", twice.Key);
        header.writer.Write("GGUF"u8);
        header.writer.Write(3u);
        header.writer.Write((ulong)listed.Length);
        header.writer.Write((ulong)pairs.Count);
        foreach (var (key, value) in pairs) header.Pair(key, value);
        long offset = 0;
        foreach (var t in listed)
        {
            header.String(t.Name);
            header.writer.Write((uint)t.Shape.Length);
            foreach (var n in t.Shape.Reverse()) header.writer.Write((ulong)n);
            header.writer.Write(t.Type.GgmlId());
            header.writer.Write((ulong)offset);
            offset += GgufWriter.Padded(t.ByteLength);
        }
        header.writer.Write(new byte[GgufWriter.Padded(header.bytes.Length) - header.bytes.Length]);
        offset = header.bytes.Length;
        placed = [.. listed.Select(t =>
        {
            var at = t with { Offset = offset };
            offset += GgufWriter.Padded(t.ByteLength);
            return at;
        })];
        return header.bytes.ToArray();
    }

    private static TensorInfo Described(string path, string name, TensorType type, long[] shape)
    {
        if (shape.Length is 0 or > 4) throw new GgufException(path, $"{path}: tensor '{name}' has {shape.Length} dimensions; GGUF holds 1 to 4.", name);
        if (shape[^1] % type.BlockSize() != 0)
            throw new GgufException(path, $"{path}: tensor '{name}' has rows of {shape[^1]}, which is no multiple of the {type.BlockSize()} values in a block of {type}.", name);
        var info = new TensorInfo(name, type, shape, 0, 0, path);
        return info with { ByteLength = info.Elements / type.BlockSize() * type.BlockBytes() };
    }

    private void Pair(string key, object value)
    {
        String(key);
        if (value is Array array)
        {
            writer.Write(List);
            writer.Write(TypeOf(array.GetType().GetElementType()!));
            writer.Write((ulong)array.Length);
            switch (array)
            {
                case string[] texts:
                    foreach (var text in texts) String(text);
                    break;
                case int[] numbers: writer.Write(MemoryMarshal.AsBytes<int>(numbers)); break;
                case uint[] numbers: writer.Write(MemoryMarshal.AsBytes<uint>(numbers)); break;
                default: writer.Write(MemoryMarshal.AsBytes<float>((float[])array)); break;
            }
            return;
        }
        writer.Write(TypeOf(value.GetType()));
        switch (value)
        {
            case uint n: writer.Write(n); break;
            case int n: writer.Write(n); break;
            case ulong n: writer.Write(n); break;
            case float n: writer.Write(n); break;
            case bool flag: writer.Write(flag); break;
            default: String((string)value); break;
        }
    }

    private static uint TypeOf(Type type) => type == typeof(uint) ? U32 : type == typeof(int) ? I32 : type == typeof(float) ? F32 : type == typeof(bool) ? Bool
        : type == typeof(string) ? Text : type == typeof(ulong) ? U64 : throw new ArgumentException($"Metadata of type {type} is not written.", nameof(type));

    private void String(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)utf8.Length);
        writer.Write(utf8);
    }
}
