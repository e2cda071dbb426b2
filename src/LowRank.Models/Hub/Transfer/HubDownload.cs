using LowRank.Formats;
using LowRank.Runtime;

namespace LowRank.Models.Hub.Transfer;

/// <summary>
/// Brings one file into the cache: large ones by several ranges at once (<see cref="RangeFile"/>), others as <c>blobs/ETAG.incomplete</c>, which
/// Python's huggingface_hub continues and the other way round. The content is checked by size and hash, flushed to disk and renamed.
/// </summary>
internal sealed class HubDownload(HubOptions options, HubId id, HubTransport transport, HubCache cache)
{
    private readonly HubReceiver receiver = new(options, id, transport);

    /// <summary>Bytes of a file that are on disk already.</summary>
    public long Present(HubFile file)
    {
        var blob = cache.Blob(file.Etag);
        if (File.Exists(blob)) return file.Bytes;
        var incomplete = new FileInfo(Incomplete(blob));
        return Math.Max(RangeFile.Present(blob, file.Bytes), incomplete.Exists ? Math.Min(incomplete.Length, file.Bytes) : 0);
    }

    /// <summary>Brings the file, and tells how many of its bytes are on disk.</summary>
    public async Task RunAsync(HubFile file, Action<long> progress, CancellationToken cancellation)
    {
        var blob = cache.Blob(file.Etag);
        if (File.Exists(blob)) return;
        using var held = await HubLock.TakeAsync(cache.Lock(file.Etag), cancellation);
        if (File.Exists(blob)) return; // another process brought it meanwhile
        var folder = Path.GetDirectoryName(blob)!;
        try
        {
            Directory.CreateDirectory(folder);
            if (options.Connections < 2 || options.RangeBytes < 1 || file.Bytes < 2 * options.RangeBytes || !await TryRangesAsync(file, blob, progress, cancellation)) await SequentialAsync(file, blob, progress, cancellation);
            FolderSync.Flush(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiskSpace.Failed(blob, folder, e);
        }
    }

    private static string Incomplete(string blob) => blob + ".incomplete";

    /// <summary>False where the server does not know ranges; then nothing is left of the attempt.</summary>
    private async Task<bool> TryRangesAsync(HubFile file, string blob, Action<long> progress, CancellationToken cancellation)
    {
        using (var ranges = RangeFile.Open(blob, Incomplete(blob), file.Bytes, options.RangeBytes))
        {
            try
            {
                await new HubRanges(options, receiver, file, ranges, progress).RunAsync(cancellation);
            }
            catch (RangeIgnoredException)
            {
                ranges.Delete();
                return false;
            }
            using var hash = new HubHash(file);
            await using (var stream = new FileStream(ranges.DataPath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1, FileOptions.Asynchronous | FileOptions.SequentialScan))
            {
                await hash.AddAsync(stream, cancellation);
                stream.Flush(flushToDisk: true);
            }
            if (!hash.IsRight())
            {
                ranges.Delete();
                throw Damaged(file, blob);
            }
        }
        RangeFile.Finish(blob);
        return true;
    }

    private async Task SequentialAsync(HubFile file, string blob, Action<long> progress, CancellationToken cancellation)
    {
        var incomplete = Incomplete(blob);
        await using (var stream = new FileStream(incomplete, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.Asynchronous))
        {
            using var hash = new HubHash(file);
            if (stream.Length > file.Bytes) stream.SetLength(0);
            await hash.AddAsync(stream, cancellation);
            try
            {
                await ReceiveAsync();
            }
            catch (RangeIgnoredException)
            {
                // This server does not continue: begin again.
                stream.SetLength(0);
                hash.Restart();
                await ReceiveAsync();
            }
            progress(stream.Length);
            if (!hash.IsRight())
            {
                stream.SetLength(0);
                throw Damaged(file, blob);
            }
            stream.Flush(flushToDisk: true);

            Task ReceiveAsync() => receiver.ReceiveAsync(file, stream.Position = stream.Length, file.Bytes, async bytes =>
            {
                await stream.WriteAsync(bytes, cancellation);
                hash.Add(bytes.Span);
                progress(stream.Position);
            }, cancellation);
        }
        File.Move(incomplete, blob, overwrite: true);
    }

    private HubException Damaged(HubFile file, string blob) =>
        new(id, $"{file.Name} arrived damaged: its hash is not {file.Etag}. It was removed from {Path.GetDirectoryName(blob)}; run again.");
}
