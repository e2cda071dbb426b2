using System.Text.Json;

namespace LowRank.Formats;

/// <summary><c>model.safetensors.index.json</c>: which shard holds which tensor.</summary>
internal sealed class SafetensorsIndex
{
    /// <summary>Shard file name by tensor name.</summary>
    public required Dictionary<string, string> ShardOf { get; init; }

    /// <summary>The shard file names, each once, in ordinal order.</summary>
    public required string[] Shards { get; init; }

    public static SafetensorsIndex Read(string path)
    {
        var shardOf = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            var root = StrictJson.Element(File.ReadAllBytes(path));
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
                throw new SafetensorsException(path, $"{path}: an object with a \"weight_map\" of tensor names to file names was expected.");
            foreach (var entry in map.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String)
                    throw new SafetensorsException(path, $"{path}: weight_map entry '{entry.Name}' must be a file name, not {entry.Value.ValueKind}.", entry.Name);
                var shard = entry.Value.GetString()!;
                // A file name only: an index must not lead out of its folder.
                if (shard.Length == 0 || shard is "." or ".." || shard.AsSpan().IndexOfAny('/', '\\', '\0') >= 0)
                    throw new SafetensorsException(path, $"{path}: weight_map entry '{entry.Name}' names '{shard}', which is not a plain file name.", entry.Name);
                shardOf.Add(entry.Name, shard);
            }
        }
        catch (JsonException e)
        {
            throw new SafetensorsException(path, $"{path}: not valid JSON: {JsonErrorText.Of(e)}.");
        }
        return new SafetensorsIndex { ShardOf = shardOf, Shards = [.. shardOf.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)] };
    }
}
