using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace LowRank.Training.Data.Reading;

/// <summary>Whether bytes are sound UTF-8 without NUL, and what to say where they are not.</summary>
internal static class TextCheck
{
    /// <summary>What is wrong with the bytes and at which offset, or null.</summary>
    public static (string Message, int Offset)? Find(ReadOnlySpan<byte> bytes)
    {
        var nul = bytes.IndexOf((byte)0);
        if (nul >= 0) return (NulBytes(Zeros(bytes[nul..])), nul);
        if (Utf8.IsValid(bytes)) return null;
        var at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out var used) == System.Buffers.OperationStatus.Done) at += used;
        return (string.Create(CultureInfo.InvariantCulture, $"byte 0x{bytes[at]:X2} is not UTF-8 (Latin-1 text?); save the file as UTF-8"), at);
    }

    /// <summary>The same for a whole file, a stretch of which is in memory at a time: what is wrong and where, or null. NUL bytes are told before others.</summary>
    /// <exception cref="DatasetException">The first bytes tell another encoding or a binary format.</exception>
    public static (string Message, int Line, int Column)? Find(string path)
    {
        using var window = new ByteWindow(path);
        var position = new LinePosition(1, window.Offset);
        (string Message, LinePosition Line, long Offset)? found = null;
        while (window.Fill() || window.Unread.Length > 0)
        {
            var bytes = window.Unread.Span;
            if (bytes.IndexOf((byte)0) is >= 0 and var nul)
            {
                var (line, offset) = (position.Behind(bytes[..nul], window.Offset), window.Offset + nul);
                return (NulBytes(Zeros(window, nul)), line.Line, line.ColumnOf(path, offset).Column);
            }
            // A character that goes on behind the window is looked at with what follows.
            var whole = window.IsLast ? bytes : bytes[..^Unfinished(bytes)];
            if (found is null && Find(whole) is { } fault) found = (fault.Message, position.Behind(whole[..fault.Offset], window.Offset), window.Offset + fault.Offset);
            position = position.Behind(whole, window.Offset);
            window.Advance(whole.Length);
        }
        return found is var (message, at, place) ? (message, at.Line, at.ColumnOf(path, place).Column) : null;
    }

    private static string NulBytes(long count) => string.Create(CultureInfo.InvariantCulture,
        $"{count} NUL {(count == 1 ? "byte" : "bytes")}, as a crashed writer leaves them, or the file is not UTF-8; remove them");

    private static int Zeros(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept((byte)0) is >= 0 and var end ? end : bytes.Length;

    private static long Zeros(ByteWindow window, int from)
    {
        window.Advance(from);
        for (var count = 0L; ;)
        {
            var here = Zeros(window.Unread.Span);
            var isAll = here == window.Unread.Length;
            count += here;
            window.Advance(here);
            if (!isAll || !window.Fill()) return count;
        }
    }

    // Bytes at the end that begin a character and do not complete it.
    private static int Unfinished(ReadOnlySpan<byte> bytes)
    {
        for (var back = 1; back <= Math.Min(3, bytes.Length); back++)
        {
            var b = bytes[^back];
            if ((b & 0xC0) == 0x80) continue;
            var length = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC0 ? 2 : 1;
            return length > back ? back : 0;
        }
        return 0;
    }

    /// <summary>The 1-based column, in code points, of a byte offset within a line.</summary>
    public static int Column(ReadOnlySpan<byte> line, int offset)
    {
        var column = 1;
        foreach (var b in line[..Math.Min(offset, line.Length)])
            if ((b & 0xC0) != 0x80) column++;
        return column;
    }

    /// <summary>True for a line of nothing but spaces, tabs and carriage returns.</summary>
    public static bool IsBlank(ReadOnlySpan<byte> line) => line.IndexOfAnyExcept(" \t\r"u8) < 0;
}
