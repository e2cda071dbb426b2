using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace LowRank.Formats;

/// <summary>The first bytes of a safetensors file, character by character as the Rust library (serde_json, compact) writes them.</summary>
internal static class SafetensorsHeaderText
{
    /// <summary>Length, JSON and padding; <paramref name="placed"/> are the tensors in the order of their data.</summary>
    public static byte[] Of(string path, IEnumerable<(string Name, TensorType Type, long[] Shape)> tensors, IReadOnlyDictionary<string, string> metadata, out TensorInfo[] placed)
    {
        var sorted = tensors.ToArray();
        foreach (var t in sorted)
            if (t.Type.SafetensorsRank() < 0) throw new SafetensorsException(path, $"{path}: tensor '{t.Name}' is {t.Type}, which safetensors does not have.", t.Name);
        // Ordinal over UTF-8 bytes, as Rust compares strings; UTF-16 order differs beyond U+FFFF.
        var order = sorted.Select(t => (Tensor: t, Rank: t.Type.SafetensorsRank(), Key: Encoding.UTF8.GetBytes(t.Name))).ToArray();
        Array.Sort(order, (a, b) => a.Rank != b.Rank ? b.Rank.CompareTo(a.Rank) : a.Key.AsSpan().SequenceCompareTo(b.Key));

        var json = new StringBuilder("{");
        if (metadata.Count > 0)
        {
            json.Append("\"__metadata__\":{");
            foreach (var (key, value) in metadata) Quote(Quote(json, key).Append(':'), value).Append(',');
            json[^1] = '}';
            json.Append(',');
        }
        var lengths = new (long From, long Bytes)[order.Length];
        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        long end = 0;
        for (var i = 0; i < order.Length; i++)
        {
            var (name, type, shape) = order[i].Tensor;
            if (!names.Add(name)) throw new SafetensorsException(path, $"{path}: tensor '{name}' is declared twice.", name);
            if (Array.Exists(shape, n => n < 0) || !SafetensorsHeader.TryByteLength(type, shape, out var bytes) || bytes > long.MaxValue / 2 - end)
                throw new SafetensorsException(path, $"{path}: tensor '{name}' of shape {TensorInfo.ShapeOf(shape)} cannot be stored.", name);
            lengths[i] = (end, bytes);
            Quote(json, name).Append(CultureInfo.InvariantCulture,
                $":{{\"dtype\":\"{type.SafetensorsName()}\",\"shape\":[{string.Join(',', shape.Select(n => n.ToString(CultureInfo.InvariantCulture)))}],\"data_offsets\":[{end},{end + bytes}]}},");
            end += bytes;
        }
        if (json[^1] == ',') json.Length--;
        json.Append('}');

        var text = Encoding.UTF8.GetBytes(json.ToString());
        var padded = (text.Length + 7) / 8 * 8;
        if (padded > SafetensorsHeader.MaxBytes) throw new SafetensorsException(path, $"{path}: the header would have {padded} bytes, the limit is {SafetensorsHeader.MaxBytes}.");
        var header = new byte[8 + padded];
        BinaryPrimitives.WriteInt64LittleEndian(header, padded);
        text.CopyTo(header, 8);
        header.AsSpan(8 + text.Length).Fill((byte)' ');
        placed = new TensorInfo[order.Length];
        for (var i = 0; i < order.Length; i++)
            placed[i] = new TensorInfo(order[i].Tensor.Name, order[i].Tensor.Type, order[i].Tensor.Shape, header.Length + lengths[i].From, lengths[i].Bytes, path);
        return header;
    }

    /// <summary>A JSON string as serde_json writes it: only quotes, backslashes and control characters are escaped.</summary>
    private static StringBuilder Quote(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (var c in text)
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                < ' ' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        return json.Append('"');
    }
}
