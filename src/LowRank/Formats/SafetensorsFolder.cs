namespace LowRank.Formats;

/// <summary>
/// The weights of a Hugging Face checkpoint folder: <c>model.safetensors</c>, or the shards that <c>model.safetensors.index.json</c>
/// names. The index is checked against the shards. Pickle checkpoints are refused, because reading one runs code.
/// </summary>
public sealed class SafetensorsFolder : ITensorSource
{
    /// <summary>The file name of unsharded weights.</summary>
    public const string SingleFile = "model.safetensors";

    /// <summary>The file name of the index of sharded weights.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    private readonly Dictionary<string, SafetensorsFile> byPath = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> byName = new(StringComparer.Ordinal);
    private readonly List<TensorInfo> tensors = [];

    private SafetensorsFolder(string path) => Path = path;

    /// <summary>Full path of the folder.</summary>
    public string Path { get; }

    /// <summary>Full paths of the files that hold the tensors.</summary>
    public IReadOnlyCollection<string> Files => byPath.Keys;

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors => tensors;

    /// <summary>Maps the weights of a folder.</summary>
    /// <exception cref="SafetensorsException">
    /// The folder is missing or has no safetensors weights; a shard or a tensor that the index names is missing; a shard holds a tensor
    /// that the index does not give to it; a file is damaged.
    /// </exception>
    public static SafetensorsFolder Open(string folder)
    {
        var full = System.IO.Path.GetFullPath(folder);
        if (!Directory.Exists(full)) throw new SafetensorsException(full, $"{full} is not a folder; a checkpoint folder was expected.");
        var opened = new SafetensorsFolder(full);
        try
        {
            // Where both are there, transformers takes the single file.
            if (File.Exists(System.IO.Path.Combine(full, SingleFile))) opened.Add(SingleFile);
            else if (File.Exists(System.IO.Path.Combine(full, IndexFile))) opened.AddShards(SafetensorsIndex.Read(System.IO.Path.Combine(full, IndexFile)));
            else throw new SafetensorsException(full, PickleFiles.WhyNoWeights(full));
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    private SafetensorsFile Add(string name)
    {
        var file = SafetensorsFile.Open(System.IO.Path.Combine(Path, name));
        byPath.Add(file.Path, file);
        foreach (var t in file.Tensors)
        {
            if (!byName.TryAdd(t.Name, t))
                throw new SafetensorsException(Path, $"{Path}: tensor '{t.Name}' is in {System.IO.Path.GetFileName(byName[t.Name].File)} and in {name}.", t.Name);
            tensors.Add(t);
        }
        return file;
    }

    private void AddShards(SafetensorsIndex index)
    {
        foreach (var shard in index.Shards)
        {
            if (!File.Exists(System.IO.Path.Combine(Path, shard)))
                throw new SafetensorsException(Path, $"{Path}: {IndexFile} names the shard {shard}, which is not there. {PickleFiles.Listing(Path, "*.safetensors")}");
            foreach (var t in Add(shard).Tensors)
                if (!index.ShardOf.TryGetValue(t.Name, out var named) || named != shard)
                    throw new SafetensorsException(Path, $"{Path}: {shard} holds tensor '{t.Name}', which {IndexFile} {(named is null ? "does not name" : $"places in {named}")}.", t.Name);
        }
        foreach (var (name, shard) in index.ShardOf)
            if (!byName.ContainsKey(name))
                throw new SafetensorsException(Path, $"{Path}: {IndexFile} places tensor '{name}' in {shard}, which does not hold it.", name);
    }

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorInfo info) => byName.TryGetValue(name, out info!);

    /// <inheritdoc/>
    public unsafe byte* Pointer(TensorInfo info) => FileOf(info).Pointer(info);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(TensorInfo info) => FileOf(info).Bytes(info);

    /// <inheritdoc/>
    public void DropPages(TensorInfo info) => FileOf(info).DropPages(info);

    private SafetensorsFile FileOf(TensorInfo info) =>
        byPath.TryGetValue(info.File, out var file) ? file : throw new ArgumentException($"Tensor '{info.Name}' is not one of {Path}.", nameof(info));

    /// <summary>Ends the mappings; pointers and spans into them become invalid.</summary>
    public void Dispose()
    {
        foreach (var file in byPath.Values) file.Dispose();
    }
}
