using System.Globalization;
using LowRank.Formats;
using Microsoft.Win32.SafeHandles;

namespace LowRank.Models.Hub.Transfer;

/// <summary>
/// A file that is filled by ranges in any order: <c>ETAG.ranges</c> has the full size from the beginning on, <c>ETAG.ranges.state</c> says how much of
/// each range was written. The names are not huggingface_hub's, which takes an <c>.incomplete</c> file of full size for a whole one. The state is
/// written after the bytes it tells of; what a power failure loses all the same is found by the hash.
/// </summary>
internal sealed class RangeFile : IDisposable
{
    private const string DataSuffix = ".ranges", StateSuffix = ".ranges.state";
    private readonly SafeFileHandle handle;
    private readonly string statePath;
    private readonly long bytes, rangeBytes;
    private readonly long[] written;

    private RangeFile(string blob, SafeFileHandle handle, long bytes, long rangeBytes, long[] written)
    {
        (DataPath, statePath) = (blob + DataSuffix, blob + StateSuffix);
        (this.handle, this.bytes, this.rangeBytes, this.written) = (handle, bytes, rangeBytes, written);
    }

    /// <summary>The file with the content.</summary>
    public string DataPath { get; }

    /// <summary>Bytes that are there.</summary>
    public long BytesWritten => written.Sum();

    /// <summary>The ranges that are not whole yet.</summary>
    public IEnumerable<int> Missing => Enumerable.Range(0, written.Length).Where(i => Next(i) < End(i));

    /// <summary>Opens what an earlier attempt left, takes over a beginning that came in order, or begins anew.</summary>
    /// <param name="blob">The blob that is to come.</param>
    /// <param name="incomplete">Where a beginning in order would be; it is gone afterwards.</param>
    /// <param name="bytes">The size of the file.</param>
    /// <param name="rangeBytes">The size of a range where it begins anew.</param>
    public static RangeFile Open(string blob, string incomplete, long bytes, long rangeBytes)
    {
        var data = blob + DataSuffix;
        if (ReadState(blob, bytes) is var (ofState, found))
        {
            File.Delete(incomplete);
            return new RangeFile(blob, File.OpenHandle(data, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, FileOptions.Asynchronous), bytes, ofState, found);
        }
        File.Delete(blob + StateSuffix);
        File.Delete(data);
        var beginning = new FileInfo(incomplete) is { Exists: true } earlier && earlier.Length <= bytes ? earlier.Length : 0;
        if (beginning > 0) File.Move(incomplete, data);
        else File.Delete(incomplete);
        var handle = File.OpenHandle(data, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, FileOptions.Asynchronous);
        RandomAccess.SetLength(handle, bytes);
        var written = new long[(bytes + rangeBytes - 1) / rangeBytes];
        for (var i = 0; i < written.Length; i++) written[i] = Math.Clamp(beginning - i * rangeBytes, 0, Math.Min(rangeBytes, bytes - i * rangeBytes));
        var file = new RangeFile(blob, handle, bytes, rangeBytes, written);
        file.Save();
        return file;
    }

    /// <summary>Bytes that an earlier attempt left.</summary>
    public static long Present(string blob, long bytes) => ReadState(blob, bytes) is var (_, written) ? written.Sum() : 0;

    /// <summary>Gives a whole file its name.</summary>
    public static void Finish(string blob)
    {
        File.Move(blob + DataSuffix, blob, overwrite: true);
        File.Delete(blob + StateSuffix);
    }

    /// <summary>Where the next byte of a range goes.</summary>
    public long Next(int index) => index * rangeBytes + written[index];

    /// <summary>The end of a range.</summary>
    public long End(int index) => Math.Min(bytes, (index + 1) * rangeBytes);

    /// <summary>Writes the next bytes of a range; ranges may be written at the same time.</summary>
    public async ValueTask WriteAsync(int index, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        await RandomAccess.WriteAsync(handle, content, Next(index), cancellation);
        Volatile.Write(ref written[index], written[index] + content.Length);
    }

    /// <summary>Records how much is written.</summary>
    public void Save() => AtomicFile.WriteAllText(statePath, string.Create(CultureInfo.InvariantCulture, $"{bytes} {rangeBytes}\n{string.Join(' ', written.Select(w => w.ToString(CultureInfo.InvariantCulture)))}\n"));

    /// <summary>Removes everything.</summary>
    public void Delete()
    {
        Dispose();
        File.Delete(statePath);
        File.Delete(DataPath);
    }

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();

    /// <summary>What an earlier attempt recorded, where it is of this file and can be true; a state that cannot be read counts as none.</summary>
    private static (long RangeBytes, long[] Written)? ReadState(string blob, long bytes)
    {
        if (!File.Exists(blob + StateSuffix) || new FileInfo(blob + DataSuffix) is not { Exists: true } data || data.Length != bytes) return null;
        var numbers = new List<long>();
        foreach (var word in File.ReadAllText(blob + StateSuffix).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (!long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
            numbers.Add(number);
        }
        if (numbers.Count < 3 || numbers[0] != bytes || numbers[1] < 1 || numbers.Count - 2 != (bytes + numbers[1] - 1) / numbers[1]) return null;
        var written = numbers.Skip(2).ToArray();
        for (var i = 0; i < written.Length; i++)
            if (written[i] > Math.Min(numbers[1], bytes - i * numbers[1])) return null;
        return (numbers[1], written);
    }
}
