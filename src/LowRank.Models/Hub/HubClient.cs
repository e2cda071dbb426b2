using LowRank.Formats;
using LowRank.Models.Hub.Contents;
using LowRank.Models.Hub.Transfer;

namespace LowRank.Models.Hub;

/// <summary>
/// Brings models, adapters and data files from the hub into the cache of huggingface_hub, from where Python's libraries read them too. Only what is
/// needed is downloaded. Interrupted downloads continue; every file is checked by its size and hash. Safe to use from several threads and processes.
/// </summary>
/// <param name="options">Endpoint, cache and token; null for those of the environment.</param>
public sealed class HubClient(HubOptions? options = null)
{
    private readonly HubOptions options = options ?? HubOptions.FromEnvironment();

    /// <summary>
    /// The folder of a model: configuration, tokenizer, chat template and safetensors weights. Asks the hub which commit the revision has now and
    /// downloads what the cache lacks; offline, or where the hub cannot be reached and the cache has the model whole, the cached one is taken.
    /// </summary>
    /// <param name="id">The model.</param>
    /// <param name="progress">Called while files arrive, by one thread at a time.</param>
    /// <param name="cancellation">Ends the download; what has arrived stays and is continued next time.</param>
    /// <returns>The snapshot folder, a Hugging Face checkpoint folder.</returns>
    /// <exception cref="HubException">The model does not exist, is gated, has no safetensors weights, or the network fails.</exception>
    /// <exception cref="LowRankException">There is too little disk space, or the cache cannot be written.</exception>
    public Task<string> DownloadAsync(HubId id, Action<HubProgress>? progress = null, CancellationToken cancellation = default) =>
        BringAsync(id, new ModelContent(), progress, cancellation);

    /// <summary>The folder of an adapter, as <see cref="DownloadAsync"/> brings a model.</summary>
    /// <param name="id">The adapter.</param>
    /// <param name="progress">Called while files arrive, by one thread at a time.</param>
    /// <param name="cancellation">Ends the download; what has arrived stays and is continued next time.</param>
    /// <returns>The snapshot folder, with <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</returns>
    /// <exception cref="HubException">The adapter does not exist, is gated, has no safetensors weights, or the network fails.</exception>
    /// <exception cref="LowRankException">There is too little disk space, or the cache cannot be written.</exception>
    public Task<string> DownloadAdapterAsync(HubId id, Action<HubProgress>? progress = null, CancellationToken cancellation = default) =>
        BringAsync(id, new AdapterContent(), progress, cancellation);

    /// <summary>The files of a repository that a content wants.</summary>
    /// <returns>The snapshot folder.</returns>
    internal async Task<string> BringAsync(HubId id, HubContent content, Action<HubProgress>? progress, CancellationToken cancellation)
    {
        var cache = new HubCache(options, id);
        if (options.Offline || id.IsCommit)
        {
            if (cache.WholeSnapshot(content) is { } cached) return cached;
            if (options.Offline) throw new HubException(id, $"no network is used (--offline or HF_HUB_OFFLINE), and {cache.Folder} does not hold {(cache.Commit() is null ? "it" : "all of it")}. Run once without, or name a local path.");
        }
        using var transport = new HubTransport(options, id);
        string commit;
        HashSet<string> files;
        try
        {
            (commit, files) = await transport.ListAsync(cancellation);
        }
        catch (HubException e) when (e.Status is null or >= System.Net.HttpStatusCode.InternalServerError && cache.WholeSnapshot(content) is not null)
        {
            return cache.WholeSnapshot(content)!;
        }
        var download = new HubDownload(options, id, transport, cache);
        var first = content.First(id, files);
        await BringFilesAsync(first);
        var named = content.Named(cache.Snapshot(commit), first);
        if (named.FirstOrDefault(s => !files.Contains(s)) is { } missing) throw new HubException(id, $"{SafetensorsFolder.IndexFile} names {missing}, which the repository does not have.");
        await BringFilesAsync(named);
        cache.SetAbsent(commit, content.Optional.Where(n => !files.Contains(n)));
        cache.SetCommit(commit);
        return cache.Snapshot(commit);

        async Task BringFilesAsync(IReadOnlyList<string> names)
        {
            var described = await DescribeAsync(transport, commit, [.. names.Where(n => !cache.Has(commit, n))], cancellation);
            if (described.Count == 0) return;
            long done = 0, total = described.Sum(f => f.Bytes), needed = described.Sum(f => f.Bytes - download.Present(f));
            Directory.CreateDirectory(cache.Folder);
            DiskSpace.Require(cache.Folder, cache.Folder, needed);
            var speed = new HubSpeed(options.Time);
            foreach (var file in described)
            {
                var (before, last) = (done, -1L);
                await download.RunAsync(file, bytes =>
                {
                    // What an earlier attempt left did not arrive now.
                    var rate = speed.Add(last < 0 ? 0 : Math.Max(0, bytes - last));
                    last = bytes;
                    progress?.Invoke(new HubProgress(file.Name, bytes, file.Bytes, before + bytes, total) { BytesPerSecond = rate });
                }, cancellation);
                cache.Link(commit, file.Name, file.Etag);
                done += file.Bytes;
            }
        }
    }

    /// <summary>Describes files, several at a time, in their order.</summary>
    private async Task<IReadOnlyList<HubFile>> DescribeAsync(HubTransport transport, string commit, IReadOnlyList<string> names, CancellationToken cancellation)
    {
        var described = new HubFile[names.Count];
        await Parallel.ForAsync(0, names.Count, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Connections), CancellationToken = cancellation },
            async (i, stop) => described[i] = await transport.DescribeAsync(commit, names[i], stop));
        return described;
    }
}
