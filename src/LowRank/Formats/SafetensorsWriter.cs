namespace LowRank.Formats;

/// <summary>
/// Writes a safetensors file tensor by tensor: names, types and shapes are declared first, then the data follows in any order and in pieces of any
/// size. The file gets the bytes that the Rust library (safetensors 0.8, <c>serialize</c>) gives for the same tensors: sorted by dtype from
/// wide to narrow, then by name; header padded with spaces to a multiple of 8. It appears whole or not at all. Not for use from several threads.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private readonly AtomicFile file;
    private readonly Dictionary<string, TensorInfo> byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> written = new(StringComparer.Ordinal);

    private SafetensorsWriter(string path, IEnumerable<(string Name, TensorType Type, long[] Shape)> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var header = SafetensorsHeaderText.Of(System.IO.Path.GetFullPath(path), tensors, metadata ?? new Dictionary<string, string> { ["format"] = "pt" }, out var placed);
        Tensors = placed;
        foreach (var t in placed) byName.Add(t.Name, t);
        var end = placed.Length == 0 ? header.Length : placed[^1].Offset + placed[^1].ByteLength;
        file = AtomicFile.Create(path, end);
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

    /// <summary>Begins a file.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="tensors">Name, type and row-major shape of each tensor, in any order.</param>
    /// <param name="metadata">The header's <c>__metadata__</c>, in this order; null for <c>{"format":"pt"}</c>, an empty one for none.</param>
    /// <exception cref="SafetensorsException">A name is declared twice or is <c>__metadata__</c>, or a type is none of safetensors.</exception>
    /// <exception cref="LowRankException">There is too little disk space, or the file cannot be written.</exception>
    public static SafetensorsWriter Create(string path, IEnumerable<(string Name, TensorType Type, long[] Shape)> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        new(path, tensors, metadata);

    /// <summary>Writes the next bytes of a tensor.</summary>
    /// <param name="name">A declared tensor.</param>
    /// <param name="bytes">Little-endian elements in row-major order, continuing where the last call for this tensor ended.</param>
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
    /// <param name="name">A declared tensor.</param>
    /// <param name="bytes">The first byte.</param>
    /// <param name="length">Number of bytes.</param>
    /// <exception cref="ArgumentException">The tensor was not declared, or it would become longer than declared.</exception>
    /// <exception cref="LowRankException">The disk is full or the file cannot be written.</exception>
    public unsafe void Write(string name, byte* bytes, long length)
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
        file.Commit();
    }

    /// <summary>Removes the unfinished file where <see cref="Commit"/> was not reached.</summary>
    public void Dispose() => file.Dispose();
}
