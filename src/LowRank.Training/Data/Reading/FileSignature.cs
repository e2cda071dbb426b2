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
            [(byte)'P', (byte)'A', (byte)'R', (byte)'1', ..] => "a Parquet file",
            [0x1F, 0x8B, ..] => "compressed with gzip",
            [0x28, 0xB5, 0x2F, 0xFD, ..] => "compressed with zstd",
            [(byte)'P', (byte)'K', 3, 4, ..] => "a zip archive",
            [(byte)'A', (byte)'R', (byte)'R', (byte)'O', ..] => "an Arrow file",
            _ => null,
        };
        if (format is not null)
            throw new DatasetException(path, $"the file is {format}, which is not read yet; expected JSON lines (.jsonl), a JSON array (.json) or text (.txt)");
    }

    /// <exception cref="DatasetException">The extension names a kind of file that a later version reads.</exception>
    public static void CheckExtension(string path)
    {
        var kind = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".csv" => "CSV",
            ".tsv" => "TSV",
            ".parquet" => "Parquet",
            ".arrow" or ".feather" => "Arrow",
            ".xlsx" or ".xls" => "Excel",
            ".yaml" or ".yml" => "YAML",
            ".gz" or ".zst" or ".zip" or ".bz2" or ".xz" => "compressed",
            _ => null,
        };
        if (kind is not null)
            throw new DatasetException(path, $"{kind} files are not read yet (a later version does); convert it to JSON lines (.jsonl), a JSON array (.json) or text (.txt)");
    }
}
