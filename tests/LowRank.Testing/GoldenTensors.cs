using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LowRank.Testing;

/// <summary>
/// Reads the tensors of a reference file, with a reader of its own: a fault of the product's reader must not hide in the data it is tested with.
/// </summary>
public sealed class GoldenTensors
{
    private readonly byte[] file;
    private readonly Dictionary<string, (string Type, long[] Shape, int Start, int End)> entries = new(StringComparer.Ordinal);

    public GoldenTensors(string path)
    {
        file = File.ReadAllBytes(path);
        var header = checked((int)BinaryPrimitives.ReadInt64LittleEndian(file));
        using var json = JsonDocument.Parse(file.AsMemory(8, header));
        foreach (var p in json.RootElement.EnumerateObject())
        {
            if (p.Name == "__metadata__") continue;
            var offsets = p.Value.GetProperty("data_offsets");
            entries[p.Name] = (p.Value.GetProperty("dtype").GetString()!, [.. p.Value.GetProperty("shape").EnumerateArray().Select(n => n.GetInt64())],
                8 + header + offsets[0].GetInt32(), 8 + header + offsets[1].GetInt32());
        }
    }

    public IEnumerable<string> Names => entries.Keys;

    public bool Has(string name) => entries.ContainsKey(name);

    public long[] Shape(string name) => entries[name].Shape;

    public float[] Floats(string name)
    {
        var (type, _, start, end) = entries[name];
        var bytes = file.AsSpan(start, end - start);
        return type switch
        {
            "F32" => MemoryMarshal.Cast<byte, float>(bytes).ToArray(),
            "F64" => Array.ConvertAll(MemoryMarshal.Cast<byte, double>(bytes).ToArray(), d => (float)d),
            "BF16" => Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(bytes).ToArray(), h => BitConverter.Int32BitsToSingle(h << 16)),
            "F16" => Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(bytes).ToArray(), h => (float)h),
            _ => throw new InvalidDataException($"{name} is {type}"),
        };
    }

    public long[] Longs(string name)
    {
        var (type, _, start, end) = entries[name];
        var bytes = file.AsSpan(start, end - start);
        return type switch
        {
            "I64" => MemoryMarshal.Cast<byte, long>(bytes).ToArray(),
            "I32" => Array.ConvertAll(MemoryMarshal.Cast<byte, int>(bytes).ToArray(), i => (long)i),
            "BOOL" or "U8" => Array.ConvertAll(bytes.ToArray(), b => (long)b),
            _ => throw new InvalidDataException($"{name} is {type}"),
        };
    }
}
