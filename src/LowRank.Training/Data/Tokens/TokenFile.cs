using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LowRank.Training.Data.Tokens;

/// <summary>
/// Tokenized rows in a file that is mapped into memory, so that the system keeps of it what is used and no more. Layout: a header of 64 bytes; for each row, or each of its two answers, its token ids
/// (four bytes each), then for each token a byte that says whether it is learned, filled up to four bytes; a table with an entry of 28 bytes for each; what was said about rows,
/// as JSON. The header has a hash of all that follows it and of its own numbers. Safe to read from many threads; spans die with the file.
/// </summary>
internal sealed unsafe class TokenFile : IDisposable
{
    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly TokenHeader header;
    private byte* start;

    private TokenFile(string path, MemoryMappedFile map, MemoryMappedViewAccessor view)
    {
        (Path, this.map, this.view) = (path, map, view);
        byte* first = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref first);
        start = first + view.PointerOffset;
        header = Unsafe.ReadUnaligned<TokenHeader>(start);
    }

    public string Path { get; }

    /// <summary>How many rows it holds.</summary>
    public int Count => (int)header.Rows;

    /// <summary>Entries of a row: 2 where rows may hold preferences, the better answer first; else 1.</summary>
    public int Answers => (int)header.Answers;

    /// <summary>What was said about rows, in their order.</summary>
    public IReadOnlyList<TokenNote> Notes { get; private set; } = [];

    /// <summary>Opens a file and checks all of it; null where it is not whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">How many rows it must have.</param>
    /// <param name="deleteOnClose">Whether the file is removed when it is closed.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static TokenFile? Open(string path, int rows, bool deleteOnClose = false)
    {
        var length = new FileInfo(path) is { Exists: true } info ? info.Length : 0;
        if (length < TokenHeader.Bytes || !BitConverter.IsLittleEndian) return null;
        // Others may replace or delete the file while it is open here.
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1, deleteOnClose ? FileOptions.DeleteOnClose : FileOptions.None);
        var map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        var file = new TokenFile(path, map, map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read));
        if (file.IsWhole(length, rows)) return file;
        file.Dispose();
        return null;
    }

    /// <summary>An entry: those of a row stand one behind the other.</summary>
    public TokenEntry this[int entry]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(entry);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(entry, Count * Answers);
            return Unsafe.ReadUnaligned<TokenEntry>(At(header.TableOffset + (long)entry * sizeof(TokenEntry)));
        }
    }

    /// <summary>The token ids of an entry.</summary>
    public ReadOnlySpan<int> Ids(int entry) => this[entry] is var found ? new ReadOnlySpan<int>(At(found.Offset), found.Length) : default;

    /// <summary>For each token of an entry whether it is learned.</summary>
    public ReadOnlySpan<bool> Supervised(int entry) => this[entry] is var found ? new ReadOnlySpan<bool>(At(found.Offset + 4L * found.Length), found.Length) : default;

    private byte* At(long offset)
    {
        ObjectDisposedException.ThrowIf(start is null, this);
        return start + offset;
    }

    // Only bytes that this code wrote pass, so that entries need no checks of their own afterwards.
    private bool IsWhole(long length, int rows)
    {
        if (header.Magic != TokenHeader.Expected || header.Length != length || header.Rows != rows || header.Answers is not (1 or 2)) return false;
        if (header.TableOffset < TokenHeader.Bytes || header.NotesOffset < header.TableOffset || header.NotesOffset > length || header.NotesOffset - header.TableOffset != header.Rows * header.Answers * sizeof(TokenEntry)) return false;
        var hash = new XxHash128();
        for (long at = TokenHeader.Bytes; at < length; at += 1 << 30) hash.Append(new ReadOnlySpan<byte>(start + at, (int)Math.Min(1 << 30, length - at)));
        hash.Append(MemoryMarshal.AsBytes<long>([header.Rows, header.TableOffset, header.NotesOffset, header.Length, header.Answers]));
        if (hash.GetCurrentHashAsUInt128() != new UInt128(header.CheckHigh, header.CheckLow)) return false;
        Notes = JsonSerializer.Deserialize<List<TokenNote>>(new ReadOnlySpan<byte>(start + header.NotesOffset, (int)(length - header.NotesOffset))) ?? [];
        return true;
    }

    public void Dispose()
    {
        if (start is null) return;
        start = null;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
    }
}
