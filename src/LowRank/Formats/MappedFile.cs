using System.IO.MemoryMappedFiles;
using LowRank.Runtime;

namespace LowRank.Formats;

/// <summary>A whole file mapped read-only. Disposing it makes every pointer into it invalid.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private byte* start;

    private MappedFile(string path, long length, MemoryMappedFile map)
    {
        Path = path;
        Length = length;
        this.map = map;
        view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        start += view.PointerOffset;
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>The first byte of the file.</summary>
    public byte* Start => start != null ? start : throw new ObjectDisposedException(nameof(ITensorSource), $"{Path} was closed.");

    /// <summary>Maps a file of at least <paramref name="minimum"/> bytes.</summary>
    /// <exception cref="LowRankException">The file is missing, is a folder, cannot be read, or is too short (as <paramref name="error"/> makes it).</exception>
    public static MappedFile Open(string path, int minimum, string format, Func<string, LowRankException> error)
    {
        var full = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(full)) throw error($"{full} is a folder; a {format} file was expected.");
        FileStream stream;
        try
        {
            stream = new FileStream(full, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw error($"{full} does not exist; a {format} file was expected.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw error($"{full} cannot be read: {e.Message}");
        }
        if (!stream.CanSeek)
        {
            stream.Dispose();
            throw error($"{full} is a device or a pipe, which cannot be mapped; a {format} file was expected.");
        }
        var length = stream.Length;
        if (length < minimum)
        {
            stream.Dispose();
            throw error($"{full} has {length} bytes; a {format} file has at least {minimum}. The file is truncated: copy or download it again.");
        }
        return new MappedFile(full, length, MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false));
    }

    public ReadOnlySpan<byte> Span(long offset, int length) => new(Start + offset, length);

    /// <summary>See <see cref="ITensorSource.Pointer"/>.</summary>
    public byte* Pointer(TensorInfo info) =>
        info.File == Path && info.Offset >= 0 && info.ByteLength >= 0 && info.Offset <= Length - info.ByteLength ? Start + info.Offset
        : throw new ArgumentException($"Tensor '{info.Name}' is not one of {Path}.", nameof(info));

    /// <summary>See <see cref="ITensorSource.Bytes"/>.</summary>
    public ReadOnlySpan<byte> Bytes(TensorInfo info) =>
        info.ByteLength <= int.MaxValue ? new(Pointer(info), (int)info.ByteLength)
        : throw new LowRankException($"{Path}: tensor '{info.Name}' has {info.ByteLength} bytes, more than a span can hold; read it through its pointer.");

    /// <summary>See <see cref="ITensorSource.DropPages"/>.</summary>
    public void DropPages(TensorInfo info) => PageAdvice.Drop(Pointer(info), info.ByteLength);

    public void Dispose()
    {
        if (start == null) return;
        start = null;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
    }
}
