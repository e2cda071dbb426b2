namespace LowRank.Formats;

/// <summary>
/// Writes a GGUF file tensor by tensor: metadata, names, types and shapes are declared first, then the data follows in pieces of any size. The bytes are
/// those that gguf-py 0.19 writes for the same content (<c>gguf_writer.py</c>): every tensor begins at a multiple of 32 bytes, and so does the file's end.
/// It appears whole or not at all. Not for use from several threads.
/// </summary>
internal sealed unsafe class GgufWriter : IDisposable
{
    private const int Alignment = 32;

    private readonly AtomicFile file;
    private readonly Dictionary<string, TensorInfo> byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> written = new(StringComparer.Ordinal);

    private GgufWriter(string path, IEnumerable<KeyValuePair<string, object>> metadata, IEnumerable<(string Name, TensorType Type, long[] Shape)> tensors)
    {
        var header = GgufHeaderWriter.Write(Path.GetFullPath(path), metadata, tensors, out var placed);
        Tensors = placed;
        foreach (var t in placed) byName.Add(t.Name, t);
        Length = placed.Length == 0 ? header.Length : placed[^1].Offset + Padded(placed[^1].ByteLength);
        file = AtomicFile.Create(path, Length);
        try
        {
            file.Write(header);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensors in the order of the file, with their places in it.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Bytes of the whole file.</summary>
    public long Length { get; }

    /// <summary>The next multiple of the alignment.</summary>
    public static long Padded(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    /// <summary>Begins a file.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="metadata">The pairs in the order of the file; see <see cref="GgufHeaderWriter.Write"/>.</param>
    /// <param name="tensors">Name, type and row-major shape of each tensor, in the order of their data.</param>
    /// <exception cref="GgufException">A name is declared twice, or the rows of a tensor do not divide into blocks of its type.</exception>
    /// <exception cref="LowRankException">There is too little disk space, or the file cannot be written.</exception>
    public static GgufWriter Create(string path, IEnumerable<KeyValuePair<string, object>> metadata, IEnumerable<(string Name, TensorType Type, long[] Shape)> tensors) => new(path, metadata, tensors);

    /// <summary>Writes the next bytes of a tensor.</summary>
    /// <param name="name">A declared tensor.</param>
    /// <param name="bytes">Continues where the last call for this tensor ended.</param>
    /// <exception cref="ArgumentException">The tensor was not declared, or it would become longer than declared.</exception>
    /// <exception cref="LowRankException">The disk is full or the file cannot be written.</exception>
    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        if (!byName.TryGetValue(name, out var info)) throw new ArgumentException($"Tensor '{name}' was not declared.", nameof(name));
        var before = written.GetValueOrDefault(name);
        if (bytes.Length > info.ByteLength - before)
            throw new ArgumentException($"Tensor '{name}' has {info.ByteLength} bytes; {before} are written and {bytes.Length} more do not fit.", nameof(bytes));
        if (bytes.IsEmpty) return;
        file.WriteAt(info.Offset + before, bytes);
        written[name] = before + bytes.Length;
    }

    /// <summary>Writes bytes of any length from native memory.</summary>
    /// <inheritdoc cref="Write(string, ReadOnlySpan{byte})"/>
    public void Write(string name, byte* bytes, long length)
    {
        const int piece = 1 << 30;
        for (long done = 0; done < length; done += piece) Write(name, new ReadOnlySpan<byte>(bytes + done, (int)Math.Min(piece, length - done)));
    }

    /// <summary>Checks that every tensor is complete, flushes the file to disk and gives it its name.</summary>
    /// <exception cref="InvalidOperationException">A tensor has fewer bytes than declared.</exception>
    /// <exception cref="LowRankException">The disk is full or the file cannot be written.</exception>
    public void Commit()
    {
        foreach (var t in Tensors)
            if (written.GetValueOrDefault(t.Name) != t.ByteLength)
                throw new InvalidOperationException($"Tensor '{t.Name}' has {written.GetValueOrDefault(t.Name)} of {t.ByteLength} bytes.");
        // What was left out between tensors the file system fills with zeros; after the last one nothing follows that would make it do so.
        if (Tensors.Count > 0 && Tensors[^1].Offset + Tensors[^1].ByteLength is var end && end < Length) file.WriteAt(end, new byte[Length - end]);
        file.Commit();
    }

    /// <summary>Removes the unfinished file where <see cref="Commit"/> was not reached.</summary>
    public void Dispose() => file.Dispose();
}
