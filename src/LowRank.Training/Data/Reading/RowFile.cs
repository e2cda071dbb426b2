using LowRank.Training.Data.Reading.Parquet;
using Microsoft.Win32.SafeHandles;

namespace LowRank.Training.Data.Reading;

/// <summary>
/// A data file of any kind as a sequence of JSON values, one a row. It can be read from front to back, and single rows can be read again by their
/// place, from several threads; so rows of files larger than memory need not be kept.
/// </summary>
internal abstract class RowFile(string path)
{
    private readonly Lock opening = new();
    private SafeFileHandle? handle;

    public string Path => path;

    /// <summary>Bytes that its rows take as JSON, roughly, known without reading them.</summary>
    public virtual long ContentBytes => new FileInfo(path).Length;

    /// <summary>What is known of the columns before any row is read: the line of the header, and its names. Null where the rows themselves tell.</summary>
    public virtual (int Line, IReadOnlyList<string> Names)? Header => null;

    /// <summary>The kind that the name or the first bytes tell.</summary>
    /// <exception cref="DatasetException">The file is of a kind that is not read, or damaged.</exception>
    public static RowFile Open(string path, DatasetOptions options)
    {
        FileSignature.CheckExtension(path);
        return System.IO.Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".txt" => new TextRows(path, options.TextSplit),
            ".csv" => new TableRows(path, (byte)','),
            ".tsv" => new TableRows(path, (byte)'\t'),
            ".parquet" => new ParquetRows(path),
            _ => FileSignature.IsParquet(path) ? new ParquetRows(path) : new JsonRows(path),
        };
    }

    /// <summary>Calls <paramref name="take"/> for each row in the order of the file. What cannot be read is reported and left out.</summary>
    public abstract void Read(ProblemList problems, Action<RawRow> take);

    /// <summary>The JSON of one row again. Safe for use by several threads.</summary>
    public abstract Memory<byte> Fetch(RowPlace place);

    /// <summary>Bytes of the file.</summary>
    protected byte[] Bytes(RowPlace place)
    {
        lock (opening) handle ??= File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (place.Offset < 0 || place.Length < 0 || place.Offset > RandomAccess.GetLength(handle) - place.Length)
            throw new LowRankException($"{path}: {place.Length} bytes at {place.Offset} are not in the file; it is cut off, or has become shorter since it was opened");
        var bytes = new byte[place.Length];
        for (var read = 0; read < bytes.Length;)
        {
            var more = RandomAccess.Read(handle, bytes.AsSpan(read), place.Offset + read);
            if (more == 0) throw new LowRankException($"{path}: the file has become shorter since it was opened; start again");
            read += more;
        }
        return bytes;
    }
}
