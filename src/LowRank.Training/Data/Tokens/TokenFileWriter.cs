using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using LowRank.Formats;

namespace LowRank.Training.Data.Tokens;

/// <summary>Writes a <see cref="TokenFile"/> row by row; whole or not at all.</summary>
internal sealed class TokenFileWriter : IDisposable
{
    private readonly AtomicFile file;
    private readonly XxHash128 hash = new();
    private readonly List<TokenEntry> entries = [];
    private readonly List<TokenNote> notes = [];
    private readonly byte[] buffer = new byte[1 << 20];
    private long position = TokenHeader.Bytes;
    private int filled;

    public TokenFileWriter(string path)
    {
        file = AtomicFile.Create(path);
        file.Write(new byte[TokenHeader.Bytes]);
    }

    /// <summary>Takes the next row.</summary>
    /// <param name="example">Its example, or null where it has none.</param>
    /// <param name="note">What was said about it, or null.</param>
    public void Add(Example? example, Problem? note)
    {
        if (note is not null) notes.Add(new TokenNote(entries.Count, note.Message, note.GuardId));
        if (example is null)
        {
            entries.Add(new TokenEntry(position, -1, 0, 0, 0));
            return;
        }
        entries.Add(new TokenEntry(position, example.Length, example.SupervisedTokens, example.LostTokens, example.LostSupervisedTokens));
        Write(MemoryMarshal.AsBytes(example.InputIds));
        Write(MemoryMarshal.AsBytes(example.Supervised));
        Write(stackalloc byte[(4 - example.Length % 4) % 4]);
    }

    /// <summary>Writes what stands behind the rows, and gives the file its name.</summary>
    public void Commit()
    {
        var table = position;
        Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(entries)));
        var end = position;
        Write(JsonSerializer.SerializeToUtf8Bytes(notes));
        Flush();
        hash.Append(MemoryMarshal.AsBytes<long>([entries.Count, table, end, position]));
        var check = hash.GetCurrentHashAsUInt128();
        TokenHeader[] header = [new(TokenHeader.Expected, entries.Count, table, end, position, (ulong)check, (ulong)(check >> 64), 0)];
        file.WriteAt(0, MemoryMarshal.AsBytes(header.AsSpan()));
        file.Commit();
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
