using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace LowRank.Formats;

/// <summary>
/// A GGUF model as the Hugging Face checkpoint it came from: Hugging Face names, row order and norm weights, every tensor as bf16 (dequantized to
/// single precision, then rounded to nearest even). A tensor is converted when its pointer is first asked for and stays in memory until
/// <see cref="DropPages"/> or the end of the source; <see cref="ConvertRows"/> converts into a buffer of the caller instead.
/// </summary>
public sealed unsafe class GgufCheckpoint : ITensorSource
{
    private readonly GgufFile file;
    private readonly Dictionary<string, GgufConversion> byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, nint> converted = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private readonly List<TensorInfo> tensors = [];
    private bool disposed;

    private GgufCheckpoint(GgufFile file)
    {
        this.file = file;
        Config = GgufConfig.ToHuggingFaceConfig(file);
        GenerationConfig = GgufConfig.ToGenerationConfig(file);
        var architecture = GgufArchitecture.Of(new GgufMetadata(file.Path, file.Metadata));
        foreach (var source in file.Tensors)
        {
            if (GgufNames.IsRopeFactors(source.Name)) continue;
            foreach (var conversion in GgufConversion.AllOf(architecture, file, source, Config))
            {
                byName.Add(conversion.Target.Name, conversion);
                tensors.Add(conversion.Target);
            }
        }
    }

    /// <summary>The file itself: its metadata holds the tokenizer.</summary>
    public GgufFile File => file;

    /// <summary>The content of <c>config.json</c>.</summary>
    public JsonObject Config { get; }

    /// <summary>The content of <c>generation_config.json</c>.</summary>
    public JsonObject GenerationConfig { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors => tensors;

    /// <summary>Maps a GGUF model.</summary>
    /// <exception cref="GgufException">The file is damaged, or its architecture, a tensor's name or a tensor's type is not supported.</exception>
    public static GgufCheckpoint Open(string path)
    {
        var file = GgufFile.Open(path);
        try
        {
            return new GgufCheckpoint(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorInfo info)
    {
        var found = byName.TryGetValue(name, out var conversion);
        info = conversion?.Target!;
        return found;
    }

    /// <summary>Converts some rows of a tensor on all processors.</summary>
    /// <param name="info">A tensor of this source. A vector counts as one row for each of its elements.</param>
    /// <param name="firstRow">The first row.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="target">Receives bf16 bits, rows times the product of the other dimensions.</param>
    public void ConvertRows(TensorInfo info, long firstRow, long rows, ushort* target) => Find(info).Convert(file, firstRow, rows, target);

    /// <summary>Lets go of the mapped pages behind rows that were converted; in attention these are about the right ones.</summary>
    internal void DropSourceRows(TensorInfo info, long firstRow, long rows) => Find(info).DropSource(file, firstRow, rows);

    /// <inheritdoc/>
    public byte* Pointer(TensorInfo info)
    {
        var conversion = Find(info);
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            if (converted.TryGetValue(info.Name, out var there)) return (byte*)there;
            var memory = NativeMemory.AlignedAlloc((nuint)Math.Max(info.ByteLength, 1), 64);
            try
            {
                conversion.Convert(file, 0, conversion.Rows, (ushort*)memory);
                conversion.DropSource(file, 0, conversion.Rows);
            }
            catch
            {
                NativeMemory.AlignedFree(memory);
                throw;
            }
            converted.Add(info.Name, (nint)memory);
            return (byte*)memory;
        }
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(TensorInfo info) => info.ByteLength <= int.MaxValue ? new(Pointer(info), (int)info.ByteLength)
        : throw new LowRankException($"{file.Path}: tensor '{info.Name}' has {info.ByteLength} bytes, more than a span can hold; read it through its pointer.");

    /// <inheritdoc/>
    public void CopyTo(TensorInfo info, byte* target)
    {
        var conversion = Find(info);
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            conversion.Convert(file, 0, conversion.Rows, (ushort*)target);
            conversion.DropSource(file, 0, conversion.Rows);
        }
        DropPages(info);
    }

    /// <summary>Frees a converted tensor; pointers to it become invalid. Asking again converts it again.</summary>
    public void DropPages(TensorInfo info)
    {
        lock (gate)
            if (converted.Remove(info.Name, out var memory)) NativeMemory.AlignedFree((void*)memory);
    }

    private GgufConversion Find(TensorInfo info) => byName.TryGetValue(info.Name, out var conversion) && conversion.Target == info ? conversion
        : throw new ArgumentException($"Tensor '{info.Name}' is not one of {file.Path}.", nameof(info));

    /// <summary>Frees the converted tensors and ends the mapping.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            foreach (var memory in converted.Values) NativeMemory.AlignedFree((void*)memory);
            converted.Clear();
        }
        file.Dispose();
    }
}
