using System.Text.Json.Nodes;

namespace LowRank.Formats;

/// <summary>What is in a safetensors file, a GGUF file, a checkpoint folder or an adapter folder: for people and, as JSON, for machines.</summary>
public sealed record CheckpointSummary
{
    private CheckpointSummary(string path, string format, IReadOnlyList<TensorInfo> tensors, IEnumerable<KeyValuePair<string, object>> metadata)
    {
        (Path, Format, Tensors) = (path, format, tensors);
        Metadata = [.. metadata.Select(m => new KeyValuePair<string, string>(m.Key, MetadataText.Of(m.Value)))];
        ByType = [.. tensors.GroupBy(t => t.Type).Select(g => new TensorTypeShare(g.Key, g.Count(), g.Sum(t => t.Elements), g.Sum(t => t.ByteLength))).OrderByDescending(s => s.Bytes)];
        Files = [.. tensors.Select(t => t.File).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>Full path of what was looked at.</summary>
    public string Path { get; }

    /// <summary><c>safetensors</c>, <c>safetensors folder</c>, <c>PEFT adapter</c>, <c>GGUF v2</c> or <c>GGUF v3</c>.</summary>
    public string Format { get; }

    /// <summary>The files that hold tensors.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>All tensors in the order of their data.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Tensors, elements and bytes of each type, the largest first.</summary>
    public IReadOnlyList<TensorTypeShare> ByType { get; }

    /// <summary>The file's metadata as text; long arrays are cut to their first elements.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Metadata { get; }

    /// <summary>Elements of all tensors.</summary>
    public long Parameters => ByType.Sum(s => s.Parameters);

    /// <summary>Bytes of all tensors.</summary>
    public long Bytes => ByType.Sum(s => s.Bytes);

    /// <summary>Reads the headers of a file or folder; no tensor is read.</summary>
    /// <param name="path">A safetensors file, a GGUF file, or a folder with <c>model.safetensors</c>, its index, or <c>adapter_model.safetensors</c>.</param>
    /// <exception cref="LowRankException">It is missing, damaged, a pickle checkpoint, or of another kind.</exception>
    public static CheckpointSummary Of(string path)
    {
        if (Directory.Exists(path))
        {
            var adapter = System.IO.Path.Combine(path, "adapter_model.safetensors");
            if (File.Exists(adapter) && !File.Exists(System.IO.Path.Combine(path, SafetensorsFolder.SingleFile))) return OfSafetensors(adapter, path, "PEFT adapter");
            using var folder = SafetensorsFolder.Open(path);
            return new CheckpointSummary(folder.Path, "safetensors folder", folder.Tensors, []);
        }
        if (PickleFiles.IsPickle(path) && File.Exists(path)) throw new LowRankException($"{path}: {PickleFiles.Refusal(System.IO.Path.GetFileName(path))}");
        if (!path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && !StartsWith(path, "GGUF"u8)) return OfSafetensors(path, path, "safetensors");
        using var gguf = GgufFile.Open(path);
        return new CheckpointSummary(gguf.Path, $"GGUF v{gguf.Version}", gguf.Tensors, gguf.Metadata);
    }

    private static CheckpointSummary OfSafetensors(string file, string path, string format)
    {
        using var opened = SafetensorsFile.Open(file);
        return new CheckpointSummary(System.IO.Path.GetFullPath(path), format, opened.Tensors, opened.Metadata.Select(m => KeyValuePair.Create(m.Key, (object)m.Value)));
    }

    private static bool StartsWith(string path, ReadOnlySpan<byte> magic)
    {
        if (!File.Exists(path)) return false;
        using var stream = File.OpenRead(path);
        Span<byte> start = stackalloc byte[magic.Length];
        return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual(magic);
    }

    /// <summary>The summary as JSON: <c>path, format, files, parameters, bytes, types, metadata, tensors</c>.</summary>
    public JsonObject ToJson() => new()
    {
        ["path"] = Path,
        ["format"] = Format,
        ["files"] = new JsonArray([.. Files.Select(f => JsonValue.Create(f))]),
        ["parameters"] = Parameters,
        ["bytes"] = Bytes,
        ["types"] = new JsonArray([.. ByType.Select(s => new JsonObject { ["type"] = s.Type.ToString(), ["tensors"] = s.Tensors, ["parameters"] = s.Parameters, ["bytes"] = s.Bytes })]),
        ["metadata"] = new JsonObject(Metadata.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)JsonValue.Create(m.Value)))),
        ["tensors"] = new JsonArray([.. Tensors.Select(t => new JsonObject
        {
            ["name"] = t.Name,
            ["type"] = t.Type.ToString(),
            ["shape"] = new JsonArray([.. t.Shape.Select(n => JsonValue.Create(n))]),
            ["bytes"] = t.ByteLength,
        })]),
    };
}
