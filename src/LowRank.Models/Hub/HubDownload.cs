using System.Security.Cryptography;
using System.Text;
using LowRank.Formats;
using LowRank.Runtime;

namespace LowRank.Models.Hub;

/// <summary>
/// Brings one file into the cache as <c>blobs/ETAG.incomplete</c>, continuing where an earlier attempt ended, checks size and hash, flushes it to disk
/// and renames it.
/// </summary>
internal sealed class HubDownload(HubOptions options, HubId id, HubTransport transport, HubCache cache)
{
    public async Task RunAsync(HubFile file, Action<long> progress, CancellationToken cancellation)
    {
        var blob = cache.Blob(file.Etag);
        if (File.Exists(blob)) return;
        var incomplete = blob + ".incomplete";
        Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
        await using (var stream = Open(incomplete))
        {
            if (stream.Length > file.Bytes) stream.SetLength(0);
            using var hash = Hash(file);
            await AddAsync(hash, stream, cancellation);
            for (var attempt = 0; stream.Length < file.Bytes; attempt++)
            {
                var before = stream.Length;
                try
                {
                    await ReceiveAsync(file, stream, hash, progress, cancellation);
                    if (stream.Length < file.Bytes) throw new HttpIOException(HttpRequestError.ResponseEnded, $"the connection ended at {stream.Length} of {file.Bytes} bytes");
                }
                catch (Exception e) when (HubTransport.IsNetwork(e, cancellation) && e is not IOException { HResult: 28 or unchecked((int)0x80070070) })
                {
                    if (stream.Length > before) attempt = -1; // it moves: the count is of attempts that brought nothing
                    else if (attempt >= options.Retries) throw transport.NoNetwork(e);
                    await transport.Wait(Math.Max(attempt, 0), cancellation);
                }
                catch (IOException e)
                {
                    throw DiskSpace.Failed(incomplete, Path.GetDirectoryName(incomplete)!, e);
                }
            }
            progress(stream.Length);
            Check(file, stream, incomplete, hash);
            stream.Flush(flushToDisk: true);
        }
        File.Move(incomplete, blob, overwrite: true);
        FolderSync.Flush(Path.GetDirectoryName(blob)!);
    }

    private FileStream Open(string incomplete)
    {
        try
        {
            return new FileStream(incomplete, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.Asynchronous);
        }
        catch (IOException e)
        {
            throw new HubException(id, $"{incomplete} cannot be opened; perhaps another process is downloading the same model: {e.Message}", null, e);
        }
    }

    private async Task ReceiveAsync(HubFile file, FileStream stream, IncrementalHash? hash, Action<long> progress, CancellationToken cancellation)
    {
        using var response = await transport.OpenAsync(file.Uri, stream.Length, cancellation);
        if (stream.Length > 0 && response.Content.Headers.ContentRange?.From != stream.Length)
        {
            // This server does not continue: begin again.
            stream.SetLength(0);
            _ = hash?.GetHashAndReset();
            Begin(hash, file);
        }
        stream.Position = stream.Length;
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[1 << 16];
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        while (stream.Length < file.Bytes)
        {
            silence.CancelAfter(options.SilenceTimeout);
            var n = await body.ReadAsync(buffer, silence.Token);
            if (n == 0) return;
            n = (int)Math.Min(n, file.Bytes - stream.Length);
            await stream.WriteAsync(buffer.AsMemory(0, n), cancellation);
            hash?.AppendData(buffer, 0, n);
            progress(stream.Length);
        }
    }

    // Large files have SHA-256, small ones git's blob hash; another kind of etag cannot be checked.
    private static IncrementalHash? Hash(HubFile file)
    {
#pragma warning disable CA5350 // git's object hash, as a check of the transfer
        var hash = file.Etag.Length == 64 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : file.Etag.Length == 40 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA1) : null;
#pragma warning restore CA5350
        Begin(hash, file);
        return hash;
    }

    private static void Begin(IncrementalHash? hash, HubFile file)
    {
        if (file.Etag.Length == 40) hash?.AppendData(Encoding.ASCII.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"blob {file.Bytes}\0")));
    }

    private static async Task AddAsync(IncrementalHash? hash, FileStream stream, CancellationToken cancellation)
    {
        var buffer = new byte[1 << 16];
        stream.Position = 0;
        for (int n; hash is not null && (n = await stream.ReadAsync(buffer, cancellation)) > 0;) hash.AppendData(buffer, 0, n);
    }

    private void Check(HubFile file, FileStream stream, string incomplete, IncrementalHash? hash)
    {
        if (hash is null || Convert.ToHexStringLower(hash.GetHashAndReset()) == file.Etag) return;
        stream.SetLength(0);
        throw new HubException(id, $"{file.Name} arrived damaged: its hash is not {file.Etag}. It was removed from {Path.GetDirectoryName(incomplete)}; run again.");
    }
}
