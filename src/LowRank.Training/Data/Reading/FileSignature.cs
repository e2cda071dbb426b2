namespace LowRank.Training.Data.Reading;

/// <summary>Names files that are no UTF-8 text from their first bytes, and kinds of file that are not read yet from their names.</summary>
internal static class FileSignature
{
    public static ReadOnlySpan<byte> Utf8Mark => [0xEF, 0xBB, 0xBF];

    /// <exception cref="DatasetException">The first bytes tell another encoding or a binary format.</exception>
    public static void Check(string path, ReadOnlySpan<byte> head)
    {
        var encoding = head switch
        {
            [0xFF, 0xFE, 0, 0, ..] or [0, 0, 0xFE, 0xFF, ..] => "UTF-32",
            [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] => "UTF-16",
            _ => null,
        };
        if (encoding is not null)
            throw new DatasetException(path, $"the file is {encoding} (it begins with a byte order mark); save it as UTF-8", 1);
        var format = head switch
        {
            [(byte)'P', (byte)'A', (byte)'R', (byte)'1', ..] => "a Parquet file (name it .parquet)",
            [0x1F, 0x8B, ..] => "compressed with gzip",
            [0x28, 0xB5, 0x2F, 0xFD, ..] => "compressed with zstd",
            [(byte)'P', (byte)'K', 3, 4, ..] => "a zip archive",
            [(byte)'A', (byte)'R', (byte)'R', (byte)'O', ..] => "an Arrow file",
            _ => null,
        };
        if (format is not null)
            throw new DatasetException(path, $"the file is {format}, which is not read as such; expected {Readable}");
    }

    /// <summary>The kinds of file that are read.</summary>
    public const string Readable = "JSON lines (.jsonl), a JSON array (.json), Parquet (.parquet), CSV (.csv), TSV (.tsv) or text (.txt)";

    /// <summary>Whether a file begins as Parquet does.</summary>
    public static bool IsParquet(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        Span<byte> head = stackalloc byte[4];
        return stream.ReadAtLeast(head, 4, throwOnEndOfStream: false) == 4 && head.SequenceEqual("PAR1"u8);
    }

    /// <exception cref="DatasetException">The extension names a kind of file that is not read.</exception>
    public static void CheckExtension(string path)
    {
        var kind = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".arrow" or ".feather" => "Arrow",
            ".xlsx" or ".xls" => "Excel",
            ".yaml" or ".yml" => "YAML",
            ".gz" or ".zst" or ".zip" or ".bz2" or ".xz" => "compressed",
            _ => null,
        };
        if (kind is not null)
            throw new DatasetException(path, $"{kind} files are not read; expected {Readable}");
    }
}
