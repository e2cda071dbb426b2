using System.Text.Json;
using System.Text.Json.Nodes;

namespace LowRank.Formats;

/// <summary>
/// Writes the weights of a checkpoint: as <c>model.safetensors</c> where they fit into one file, else as <c>model-00001-of-0000N.safetensors</c> with an index, as transformers
/// names them. One file is open at a time; tensors are written in their order. Not for use from several threads.
/// </summary>
internal sealed class SafetensorsShards : IDisposable
{
    private readonly AtomicFolder folder;
    private readonly List<(string File, List<(string Name, TensorType Type, long[] Shape)> Tensors)> files = [];
    private readonly long bytes;
    private SafetensorsWriter? writer;
    private int next;
    private int left;

    /// <summary>Shares tensors out over files.</summary>
    /// <param name="folder">The folder that is being made.</param>
    /// <param name="tensors">The tensors in the order in which they will be written.</param>
    /// <param name="shardBytes">The largest size of a file's tensors together; one that is larger has a file of its own.</param>
    public SafetensorsShards(AtomicFolder folder, IEnumerable<(string Name, TensorType Type, long[] Shape)> tensors, long shardBytes)
    {
        this.folder = folder;
        var shards = new List<List<(string, TensorType, long[])>> { new() };
        long size = 0;
        foreach (var t in tensors)
        {
            var own = t.Shape.Aggregate(1L, (a, b) => a * b) * t.Type.ElementSize();
            if (size > 0 && size + own > shardBytes)
            {
                shards.Add([]);
                size = 0;
            }
            shards[^1].Add(t);
            size += own;
            bytes += own;
        }
        foreach (var (shard, i) in shards.Select((s, i) => (s, i)))
            files.Add((shards.Count == 1 ? SafetensorsFolder.SingleFile : $"model-{i + 1:00000}-of-{shards.Count:00000}.safetensors", shard));
    }

    /// <summary>The files, in their order.</summary>
    public IReadOnlyList<string> Files => [.. files.Select(f => f.File)];

    /// <summary>Writes a whole tensor, the next of its file.</summary>
    public unsafe void Write(string name, byte* data, long length)
    {
        if (left == 0)
        {
            Finish();
            var (file, tensors) = files[next++];
            writer = SafetensorsWriter.Create(folder.At(file), tensors);
            left = tensors.Count;
        }
        writer!.Write(name, data, length);
        left--;
    }

    /// <summary>Finishes the last file and writes the index where there are several.</summary>
    public void Commit()
    {
        Finish();
        if (next != files.Count) throw new InvalidOperationException($"{files.Count - next} files were not written.");
        if (files.Count == 1) return;
        var map = new JsonObject(files.SelectMany(f => f.Tensors.Select(t => (t.Name, f.File))).OrderBy(t => t.Name, StringComparer.Ordinal).Select(t => KeyValuePair.Create(t.Name, (JsonNode?)t.File)));
        var index = new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = bytes }, ["weight_map"] = map };
        folder.Write(SafetensorsFolder.SingleFile + ".index.json", System.Text.Encoding.UTF8.GetBytes(index.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n"));
    }

    private void Finish()
    {
        writer?.Commit();
        writer?.Dispose();
        writer = null;
    }

    /// <inheritdoc/>
    public void Dispose() => writer?.Dispose();
}
