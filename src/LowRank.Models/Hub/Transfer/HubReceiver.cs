using System.Net;

namespace LowRank.Models.Hub.Transfer;

/// <summary>A part of a file was asked for, and the server sends another one: it does not know ranges.</summary>
internal sealed class RangeIgnoredException : Exception;

/// <summary>Receives a part of a file, over as many connections one after the other as it takes.</summary>
internal sealed class HubReceiver(HubOptions options, HubId id, HubTransport transport)
{
    private const int BufferBytes = 1 << 16;

    /// <summary>Receives [from, to) of a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="from">The first byte.</param>
    /// <param name="to">The end.</param>
    /// <param name="write">Takes the next bytes; an exception of it ends the download.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="RangeIgnoredException">The server sent another part; nothing was written of that answer.</exception>
    /// <exception cref="HubException">The file is refused or of another size than announced, or several attempts brought nothing.</exception>
    public async Task ReceiveAsync(HubFile file, long from, long to, Func<ReadOnlyMemory<byte>, ValueTask> write, CancellationToken cancellation)
    {
        var buffer = new byte[BufferBytes];
        for (var attempt = 0; from < to; attempt++)
        {
            var before = from;
            Exception? broken = null;
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            using var response = await transport.OpenAsync(file, from, to, cancellation);
            Check(file, response, from, to);
            try
            {
                await using var body = await response.Content.ReadAsStreamAsync(cancellation);
                while (from < to)
                {
                    silence.CancelAfter(options.SilenceTimeout);
                    var n = await body.ReadAsync(buffer, silence.Token);
                    if (n == 0) throw new HttpIOException(HttpRequestError.ResponseEnded, $"the connection ended at byte {from} of {file.Bytes}");
                    n = (int)Math.Min(n, to - from);
                    await WriteAsync(write, buffer.AsMemory(0, n));
                    from += n;
                }
            }
            catch (Exception e) when (e is not WriteFailedException && HubTransport.IsNetwork(e, cancellation))
            {
                broken = e;
            }
            catch (WriteFailedException e)
            {
                throw e.InnerException!;
            }
            if (broken is null) return;
            if (from > before) attempt = -1; // it moves: the count is of attempts that brought nothing
            else if (attempt >= options.Retries) throw transport.NoNetwork(broken);
            await transport.Wait(Math.Max(attempt, 0), cancellation);
        }
    }

    private static async ValueTask WriteAsync(Func<ReadOnlyMemory<byte>, ValueTask> write, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await write(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WriteFailedException(e); // a full disk is no broken connection
        }
    }

    private void Check(HubFile file, HttpResponseMessage response, long from, long to)
    {
        var isPart = response.StatusCode == HttpStatusCode.PartialContent;
        var range = response.Content.Headers.ContentRange;
        if ((from > 0 || to < file.Bytes) && (!isPart || range?.From != from)) throw new RangeIgnoredException();
        var total = isPart ? range?.Length : response.Content.Headers.ContentLength;
        if (total is { } bytes && bytes != file.Bytes)
            throw new HubException(id, $"{file.Name} has {bytes} bytes where it is stored, and {file.Bytes} by its description. Run again; if it stays, the repository is damaged.");
    }

    private sealed class WriteFailedException(Exception inner) : Exception(inner.Message, inner);
}
