namespace LowRank.Formats;

/// <summary>
/// A GGUF file of version 2 or 3, mapped into memory. Every count, length and offset of the header is checked against the file when it is
/// opened. Values of tensors come from <see cref="GgufDequantizer"/>. Format: llama.cpp, <c>ggml/include/gguf.h</c>.
/// </summary>
public sealed class GgufFile : ITensorSource
{
    private readonly MappedFile file;
    private readonly GgufHeader header;

    private GgufFile(MappedFile file)
    {
        this.file = file;
        header = GgufHeader.Read(file);
    }

    /// <summary>Full path of the file.</summary>
    public string Path => file.Path;

    /// <summary>The version of the format: 2 or 3.</summary>
    public int Version => header.Version;

    /// <summary>
    /// The metadata in the order of the file: byte, sbyte, ushort, short, uint, int, ulong, long, float, double, bool, string, or an array of one
    /// of these (an array of arrays is an object[]).
    /// </summary>
    public IReadOnlyDictionary<string, object> Metadata => header.Metadata;

    /// <summary>Bytes from the start of the file to the tensor data.</summary>
    public long DataOffset => header.DataOffset;

    /// <summary>Every tensor begins at a multiple of this many bytes from <see cref="DataOffset"/>.</summary>
    public long Alignment => header.Alignment;

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors => header.Tensors;

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="GgufException">The file is missing, truncated, damaged, big endian, or of another version.</exception>
    public static GgufFile Open(string path)
    {
        var file = MappedFile.Open(path, 24, "GGUF", message => new GgufException(path, message));
        try
        {
            return new GgufFile(file);
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
    public unsafe byte* Pointer(TensorInfo info)
    {
        RefuseUnknown(info);
        return file.Pointer(info);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(TensorInfo info)
    {
        RefuseUnknown(info);
        return file.Bytes(info);
    }

    /// <inheritdoc/>
    public void DropPages(TensorInfo info) => file.DropPages(info);

    private void RefuseUnknown(TensorInfo info)
    {
        if (info.Type == TensorType.Unknown && header.UnknownTypes.TryGetValue(info.Name, out var id))
            throw new GgufException(Path, $"{Path}: tensor '{info.Name}' has the GGUF type {id}, which is not known here. Supported are {GgufDequantizer.SupportedNames}.", info.Name);
    }

    /// <summary>Ends the mapping; pointers and spans into it become invalid.</summary>
    public void Dispose() => file.Dispose();
}
