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
    private readonly int answers;
    private int filled, rows;

    /// <param name="path">The file.</param>
    /// <param name="answers">Entries of a row: 2 where rows may hold preferences, else 1.</param>
    public TokenFileWriter(string path, int answers)
    {
        this.answers = answers;
        file = AtomicFile.Create(path);
        file.Write(new byte[TokenHeader.Bytes]);
    }

    /// <summary>Takes the next row.</summary>
    /// <param name="example">Its example, or null where it has none.</param>
    /// <param name="note">What was said about it, or null.</param>
    public void Add(Example? example, Problem? note)
    {
        if (note is not null) notes.Add(new TokenNote(rows, note.Message, note.GuardId));
        rows++;
        Add(example);
        if (answers > 1) Add(example?.Rejected);
    }

    private void Add(Example? answer)
    {
        if (answer is null)
        {
            entries.Add(new TokenEntry(position, -1, 0, 0, 0, -1));
            return;
        }
        entries.Add(new TokenEntry(position, answer.Length, answer.SupervisedTokens, answer.LostTokens, answer.LostSupervisedTokens, answer.IsGood is { } isGood ? isGood ? 1 : 0 : -1));
        Write(MemoryMarshal.AsBytes(answer.InputIds));
        Write(MemoryMarshal.AsBytes(answer.Supervised));
        Write(stackalloc byte[(4 - answer.Length % 4) % 4]);
    }

    /// <summary>Writes what stands behind the rows, and gives the file its name.</summary>
    public void Commit()
    {
        var table = position;
        Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(entries)));
        var end = position;
        Write(JsonSerializer.SerializeToUtf8Bytes(notes));
        Flush();
        hash.Append(MemoryMarshal.AsBytes<long>([rows, table, end, position, answers]));
        var check = hash.GetCurrentHashAsUInt128();
        TokenHeader[] header = [new(TokenHeader.Expected, rows, table, end, position, (ulong)check, (ulong)(check >> 64), answers)];
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
