using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using LowRank.Formats;

namespace LowRank.Training.Data.Tokens;

/// <summary>Writes a <see cref="TokenFile"/> block by block; whole or not at all.</summary>
internal sealed class TokenFileWriter : IDisposable
{
    private readonly AtomicFile file;
    private readonly XxHash128 hash = new();
    private readonly List<TokenEntry> entries = [];
    private readonly List<TokenNote> notes = [];
    private readonly byte[] buffer = new byte[1 << 20];
    private long position = TokenHeader.Bytes;
    private int filled, rows;

    /// <param name="path">The file.</param>
    /// <param name="answers">Entries of a row: 2 where rows may hold preferences, else 1.</param>
    public TokenFileWriter(string path, int answers)
    {
        Answers = answers;
        file = AtomicFile.Create(path);
        file.Write(new byte[TokenHeader.Bytes]);
    }

    /// <summary>Entries of a row.</summary>
    public int Answers { get; }

    /// <summary>Takes the next rows.</summary>
    public void Add(TokenBlock block)
    {
        foreach (var (row, problem) in block.Problems) notes.Add(new TokenNote(rows + row, problem.Message, problem.GuardId));
        rows += block.Rows;
        foreach (var entry in block.Entries) entries.Add(entry with { Offset = position + entry.Offset });
        Write(block.Bytes);
    }

    /// <summary>Writes what stands behind the rows, and gives the file its name.</summary>
    public void Commit()
    {
        var table = position;
        Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(entries)));
        var end = position;
        Write(JsonSerializer.SerializeToUtf8Bytes(notes));
        Flush();
        hash.Append(MemoryMarshal.AsBytes<long>([rows, table, end, position, Answers]));
        var check = hash.GetCurrentHashAsUInt128();
        TokenHeader[] header = [new(TokenHeader.Expected, rows, table, end, position, (ulong)check, (ulong)(check >> 64), Answers)];
        file.WriteAt(0, MemoryMarshal.AsBytes(header.AsSpan()));
        // A reader finds by the hash whether all of it has reached the disk.
        file.Commit(waitsForDisk: false);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        position += bytes.Length;
        while (bytes.Length > 0)
        {
            if (filled == buffer.Length) Flush();
            var part = bytes[..Math.Min(bytes.Length, buffer.Length - filled)];
            part.CopyTo(buffer.AsSpan(filled));
            filled += part.Length;
            bytes = bytes[part.Length..];
        }
    }

    private void Flush()
    {
        hash.Append(buffer.AsSpan(0, filled));
        file.Write(buffer.AsSpan(0, filled));
        filled = 0;
    }

    public void Dispose() => file.Dispose();
}
