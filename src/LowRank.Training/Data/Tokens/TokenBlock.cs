using System.Buffers;
using System.Runtime.InteropServices;

namespace LowRank.Training.Data.Tokens;

/// <summary>Some rows that follow each other, as they stand in a <see cref="TokenFile"/>: made by one thread, while others make other ones. Given back when it is written.</summary>
internal sealed class TokenBlock(int answers)
{
    private byte[] bytes = ArrayPool<byte>.Shared.Rent(1 << 16);
    private int filled;

    /// <summary>Their tokens, and whether each is learned.</summary>
    public ReadOnlySpan<byte> Bytes => bytes.AsSpan(0, filled);

    /// <summary>Their entries, with offsets from the first byte of the block.</summary>
    public List<TokenEntry> Entries { get; } = [];

    /// <summary>What was said about them, by their number in the block.</summary>
    public List<(int Row, Problem Problem)> Problems { get; } = [];

    /// <summary>How many rows there are.</summary>
    public int Rows { get; private set; }

    /// <summary>How many of them have an example.</summary>
    public int Examples { get; private set; }

    /// <summary>Takes the next row.</summary>
    /// <param name="example">Its example, or null where it has none.</param>
    /// <param name="problem">What is said about it, or null.</param>
    public void Add(Example? example, Problem? problem)
    {
        if (problem is not null) Problems.Add((Rows, problem));
        if (example is not null) Examples++;
        Rows++;
        Add(example);
        if (answers > 1) Add(example?.Rejected);
    }

    private void Add(Example? answer)
    {
        if (answer is null)
        {
            Entries.Add(new TokenEntry(filled, -1, 0, 0, 0, -1));
            return;
        }
        Entries.Add(new TokenEntry(filled, answer.Length, answer.SupervisedTokens, answer.LostTokens, answer.LostSupervisedTokens, answer.IsGood is { } isGood ? isGood ? 1 : 0 : -1));
        Write(MemoryMarshal.AsBytes(answer.InputIds));
        Write(MemoryMarshal.AsBytes(answer.Supervised));
        Write(stackalloc byte[(4 - answer.Length % 4) % 4]);
    }

    private void Write(ReadOnlySpan<byte> more)
    {
        if (more.Length > bytes.Length - filled)
        {
            var larger = ArrayPool<byte>.Shared.Rent(checked(Math.Max(filled + more.Length, 2 * bytes.Length)));
            Bytes.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(bytes);
            bytes = larger;
        }
        more.CopyTo(bytes.AsSpan(filled));
        filled += more.Length;
    }

    /// <summary>Gives the memory back: the block is empty then.</summary>
    public void Release()
    {
        ArrayPool<byte>.Shared.Return(bytes);
        (bytes, filled) = ([], 0);
    }
}
