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
        if (nul >= 0)
        {
            var count = bytes[nul..].IndexOfAnyExcept((byte)0);
            if (count < 0) count = bytes.Length - nul;
            return (string.Create(CultureInfo.InvariantCulture,
                $"{count} NUL {(count == 1 ? "byte" : "bytes")}, as a crashed writer leaves them, or the file is not UTF-8; remove them"), nul);
        }
        if (Utf8.IsValid(bytes)) return null;
        var at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out var used) == System.Buffers.OperationStatus.Done) at += used;
        return (string.Create(CultureInfo.InvariantCulture, $"byte 0x{bytes[at]:X2} is not UTF-8 (Latin-1 text?); save the file as UTF-8"), at);
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
