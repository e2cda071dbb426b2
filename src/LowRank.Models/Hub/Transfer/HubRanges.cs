namespace LowRank.Models.Hub.Transfer;

/// <summary>Fills the ranges of a file over several connections at once.</summary>
internal sealed class HubRanges(HubOptions options, HubReceiver receiver, HubFile file, RangeFile ranges, Action<long> progress)
{
    private readonly Lock gate = new();
    private long present = ranges.BytesWritten;

    /// <summary>Receives what is missing; however it ends, what has arrived is recorded.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        progress(present);
        using var failure = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var missing = new Queue<int>(ranges.Missing);
        Exception? first = null;
        try
        {
            await Task.WhenAll(Enumerable.Range(0, Math.Min(options.Connections, missing.Count)).Select(_ => WorkAsync()));
        }
        finally
        {
            ranges.Save();
        }
        if (first is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        cancellation.ThrowIfCancellationRequested();

        async Task WorkAsync()
        {
            try
            {
                while (Next() is { } index)
                {
                    await receiver.ReceiveAsync(file, ranges.Next(index), ranges.End(index), async bytes =>
                    {
                        await ranges.WriteAsync(index, bytes, failure.Token);
                        lock (gate) progress(present += bytes.Length);
                    }, failure.Token);
                    lock (gate) ranges.Save();
                }
            }
            catch (Exception e)
            {
                // The first failure stops the other connections, whose own ends then say nothing more.
                if (Interlocked.CompareExchange(ref first, e, null) is null) await failure.CancelAsync();
            }
        }

        int? Next()
        {
            lock (gate) return !failure.IsCancellationRequested && missing.TryDequeue(out var index) ? index : null;
        }
    }
}
