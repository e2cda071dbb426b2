using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LowRank.Formats;

namespace LowRank.Training.Data.Rows;

/// <summary>
/// What reading a large file found out, kept beside its tokens: the shape and the places of its rows, and what was odd. A second run opens the file without reading through it.
/// The file begins with a hash of all that follows; a damaged one counts as absent.
/// </summary>
internal static class RowIndexFile
{
    private const int HashBytes = 16;

    /// <summary>What is kept besides the places.</summary>
    private sealed record Found(DataFormat Format, Dictionary<string, string> Columns, bool InArray, bool IsTable, int Skipped, List<Odd> Odd, List<Empty> NothingToLearn);

    private sealed record Odd(int Line, int Column, string Message);

    private sealed record Empty(int Row, string Reason);

    /// <summary>Reads it, or null where there is none that is whole.</summary>
    public static RowIndex? Read(string path, string file)
    {
        try
        {
            if (!File.Exists(path)) return null;
            var bytes = File.ReadAllBytes(path);
            if (bytes.Length < HashBytes || !XxHash128.Hash(bytes.AsSpan(HashBytes)).AsSpan().SequenceEqual(bytes.AsSpan(0, HashBytes))) return null;
            using var reader = new BinaryReader(new MemoryStream(bytes, HashBytes, bytes.Length - HashBytes, writable: false), Encoding.UTF8);
            var found = JsonSerializer.Deserialize<Found>(reader.ReadString())!;
            var count = reader.ReadInt32();
            var (offsets, lengths, lines, numbers) = (Numbers<long>(reader, count), Numbers<int>(reader, count), Numbers<int>(reader, count), Numbers<int>(reader, count));
            return new RowIndex(found.Format, found.Columns, new RowPlaces(offsets, lengths, lines, numbers, found.InArray, found.IsTable), found.Skipped,
                [.. found.Odd.Select(o => new Problem(ProblemSeverity.Warning, file, o.Line, o.Column, o.Message))], [.. found.NothingToLearn.Select(n => (n.Row, n.Reason))]);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException)
        {
            // Reading the data itself is always possible.
            return null;
        }
    }

    /// <summary>Writes it, whole or not at all.</summary>
    /// <exception cref="LowRankException">The folder cannot be written.</exception>
    public static void Write(string path, RowIndex index)
    {
        using var content = new MemoryStream();
        using (var writer = new BinaryWriter(content, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(JsonSerializer.Serialize(new Found(index.Format, index.Columns.ToDictionary(StringComparer.Ordinal), index.Places.InArray, index.Places.IsTable, index.Skipped,
                [.. index.Problems.Select(p => new Odd(p.Line, p.Column, p.Message))], [.. index.NothingToLearn.Select(n => new Empty(n.Row, n.Reason))])));
            writer.Write(index.Places.Count);
            writer.Write(MemoryMarshal.AsBytes(index.Places.Offsets));
            writer.Write(MemoryMarshal.AsBytes(index.Places.Lengths));
            writer.Write(MemoryMarshal.AsBytes(index.Places.Lines));
            writer.Write(MemoryMarshal.AsBytes(index.Places.Numbers));
        }
        var bytes = content.GetBuffer().AsSpan(0, (int)content.Length);
        // A name of its own until it is whole: two runs may write the same index.
        using var file = AtomicFile.Create($"{path}.{Guid.NewGuid():N}", bytes.Length + HashBytes);
        file.Write(XxHash128.Hash(bytes));
        file.Write(bytes);
        file.Commit();
        File.Move(file.Path, path, overwrite: true);
    }

    private static T[] Numbers<T>(BinaryReader reader, int count) where T : unmanaged
    {
        var numbers = new T[count];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }
}
