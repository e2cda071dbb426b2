namespace LowRank.Formats;

/// <summary>
/// One safetensors file, mapped into memory. The header is checked when the file is opened: overlapping or out-of-range offsets, gaps,
/// duplicate names, an oversized header and lengths that do not fit the shape are refused. Format: 8 bytes little-endian header length,
/// JSON header, tensor data.
/// </summary>
public sealed class SafetensorsFile : ITensorSource
{
    private readonly MappedFile file;
    private readonly SafetensorsHeader header;

    private SafetensorsFile(MappedFile file)
    {
        this.file = file;
        header = SafetensorsHeader.Read(file);
    }

    /// <summary>Full path of the file.</summary>
    public string Path => file.Path;

    /// <summary>The <c>__metadata__</c> of the header; empty where there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => header.Metadata;

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors => header.Tensors;

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="SafetensorsException">The file is missing, truncated, damaged or not a safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = MappedFile.Open(path, 8, "safetensors", message => new SafetensorsException(path, message));
        try
        {
            return new SafetensorsFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorInfo info) => header.ByName.TryGetValue(name, out info!);

    /// <inheritdoc/>
    public unsafe byte* Pointer(TensorInfo info) => file.Pointer(info);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(TensorInfo info) => file.Bytes(info);

    /// <inheritdoc/>
    public void DropPages(TensorInfo info) => file.DropPages(info);

    /// <summary>Ends the mapping; pointers and spans into it become invalid.</summary>
    public void Dispose() => file.Dispose();
}
