namespace LowRank.Training.Data.Reading;

/// <summary>A line of a file: its number, and where it begins. Moves forward with what is read; a column is counted only where something is wrong.</summary>
/// <param name="Line">The 1-based number.</param>
/// <param name="Start">The byte of the file at which the line begins.</param>
internal readonly record struct LinePosition(int Line, long Start)
{
    /// <summary>The line behind some bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="offset">The byte of the file at which they begin.</param>
    public LinePosition Behind(ReadOnlySpan<byte> bytes, long offset)
    {
        var last = bytes.LastIndexOf((byte)'\n');
        return last < 0 ? this : new LinePosition(Line + bytes[..(last + 1)].Count((byte)'\n'), offset + last + 1);
    }

    /// <summary>The 1-based column, in code points, of a byte of the line, and that byte; null where the file ends there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="offset">The byte, counted from the start of the file.</param>
    public (int Column, byte? At) ColumnOf(string path, long offset)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16);
        stream.Seek(Start, SeekOrigin.Begin);
        var column = 1;
        for (var at = Start; at < offset && stream.ReadByte() is >= 0 and var b; at++)
            if ((b & 0xC0) != 0x80) column++;
        var there = stream.ReadByte();
        return (column, there < 0 ? null : (byte)there);
    }
}
