namespace LowRank.Formats;

/// <summary>
/// Named tensors in a file or folder, mapped into memory and read only. Any thread may read at the same time; nothing may be read
/// once the source is disposed, because pointers and spans lead into the mapping.
/// </summary>
public interface ITensorSource : IDisposable
{
    /// <summary>All tensors, in the order of their data.</summary>
    IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Finds a tensor by its exact name.</summary>
    bool TryGet(string name, out TensorInfo info);

    /// <summary>The first byte of a tensor of this source; valid for <see cref="TensorInfo.ByteLength"/> bytes until the source is disposed.</summary>
    /// <exception cref="LowRankException">The tensor's type is not known.</exception>
    /// <exception cref="ArgumentException">The tensor is not of this source.</exception>
    unsafe byte* Pointer(TensorInfo info);

    /// <summary>The bytes of a tensor of this source, not copied.</summary>
    /// <exception cref="LowRankException">The tensor has more than 2,147,483,647 bytes (use <see cref="Pointer"/>), or its type is not known.</exception>
    ReadOnlySpan<byte> Bytes(TensorInfo info);

    /// <summary>Writes a tensor of this source to another place and lets go of its memory here. A source that converts does so straight into the place.</summary>
    /// <param name="info">The tensor.</param>
    /// <param name="target">Room for <see cref="TensorInfo.ByteLength"/> bytes.</param>
    /// <exception cref="LowRankException">The tensor's type is not known.</exception>
    /// <exception cref="ArgumentException">The tensor is not of this source.</exception>
    unsafe void CopyTo(TensorInfo info, byte* target)
    {
        Buffer.MemoryCopy(Pointer(info), target, info.ByteLength, info.ByteLength);
        DropPages(info);
    }

    /// <summary>
    /// Lets go of the memory of a tensor that has been read. Of a mapped file its pages no longer count as this process's memory (on Linux; elsewhere
    /// nothing happens), and reading it again brings them back. A source that converts frees the converted tensor: ask for its pointer anew.
    /// </summary>
    void DropPages(TensorInfo info);
}
