using LowRank.Adapters;
using LowRank.Training.Settings;
using YamlDotNet.RepresentationModel;

namespace LowRank.Training.Import;

/// <summary>
/// A file of settings of another tool, YAML or JSON (which is YAML), as one mapping. It remembers which keys were read, so that none is dropped
/// in silence.
/// </summary>
internal sealed class SourceDocument
{
    private readonly OrderedDictionary<string, SourceValue> values;
    private readonly HashSet<string> unread;

    private SourceDocument(string path, OrderedDictionary<string, SourceValue> values) => (Path, this.values, unread) = (path, values, [.. values.Keys]);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The file's name without folders, for comments.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>All keys, in the order of the file.</summary>
    public IEnumerable<string> Keys => values.Keys;

    /// <summary>The keys that nobody has read yet, in the order of the file.</summary>
    public IReadOnlyList<string> Unread => [.. values.Keys.Where(unread.Contains)];

    /// <summary>Reads a file.</summary>
    /// <exception cref="LowRankException">It is missing or is no mapping of keys to values.</exception>
    public static SourceDocument Load(string path)
    {
        if (Directory.Exists(path)) throw new LowRankException($"{path} is a folder; import-config takes a file, such as a YAML file or adapter_config.json.");
        if (!File.Exists(path)) throw new LowRankException($"{path} does not exist.");
        var documents = YamlFile.Load(path, "neither YAML nor JSON");
        return documents.Count == 1 && documents[0].RootNode is YamlMappingNode { Children.Count: > 0 } root ? new SourceDocument(path, SourceValue.MembersOf(root))
            : throw new LowRankException($"{path}: expected one mapping of keys to values, such as \"learning_rate: 1.0e-4\".");
    }

    /// <summary>Whether the file has a key with a value.</summary>
    public bool Has(string key) => values.TryGetValue(key, out var value) && !value.IsNothing;

    /// <summary>The value of a key, which stays unread; null where it is absent or nothing.</summary>
    public SourceValue? Look(string key) => Has(key) ? values[key] : null;

    /// <summary>The value of a key, which counts as read; null where the key is absent or has no value.</summary>
    public SourceValue? Take(string key)
    {
        unread.Remove(key);
        return values.TryGetValue(key, out var value) && !value.IsNothing ? value : null;
    }

    /// <summary>Leaves a key out.</summary>
    /// <returns>What it was.</returns>
    /// <exception cref="LowRankException">The file has no such key.</exception>
    public SourceValue Remove(string key)
    {
        if (!values.Remove(key, out var value))
            throw new LowRankException($"--ignore {key}: {Path} has no such key{(NearestNames.Of(key, values.Keys) is { Count: > 0 } near ? $"; did you mean {string.Join(" or ", near)}?" : ".")}");
        unread.Remove(key);
        return value;
    }

    /// <summary>Where a key stands, for messages.</summary>
    public string Where(string key) => values.TryGetValue(key, out var value) ? $"{Path}:{value.Line}: {key}" : $"{Path}: {key}";
}
