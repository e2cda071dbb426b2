using LowRank.Formats;

namespace LowRank.Models.Hub;

/// <summary>
/// Brings models from the hub into the cache of huggingface_hub, from where Python's libraries read them too. Only what a causal language model needs is
/// downloaded: configuration, tokenizer, chat template and safetensors weights. Interrupted downloads continue; every file is checked by its hash.
/// Safe to use from several threads for different models.
/// </summary>
/// <param name="options">Endpoint, cache and token; null for those of the environment.</param>
public sealed class HubClient(HubOptions? options = null)
{
    private readonly HubOptions options = options ?? HubOptions.FromEnvironment();

    /// <summary>
    /// The folder of a model. Asks the hub which commit the revision has now and downloads what the cache lacks; offline, or where the hub cannot be
    /// reached and the cache has the model whole, the cached one is taken.
    /// </summary>
    /// <param name="id">The model.</param>
    /// <param name="progress">Called while files arrive, from the downloading thread.</param>
    /// <param name="cancellation">Ends the download; what has arrived stays and is continued next time.</param>
    /// <returns>The snapshot folder, a Hugging Face checkpoint folder.</returns>
    /// <exception cref="HubException">The model does not exist, is gated, has no safetensors weights, or the network fails.</exception>
    /// <exception cref="LowRankException">There is too little disk space, or the cache cannot be written.</exception>
    public async Task<string> DownloadAsync(HubId id, Action<HubProgress>? progress = null, CancellationToken cancellation = default)
    {
        var cache = new HubCache(options, id);
        if (options.Offline || id.IsCommit)
        {
            if (cache.CompleteSnapshot() is { } cached) return cached;
            if (options.Offline) throw new HubException(id, $"HF_HUB_OFFLINE is set, and {cache.Folder} does not hold the model. Unset it, or name a local folder: --model FOLDER.");
        }
        using var transport = new HubTransport(options, id);
        string commit;
        HashSet<string> files;
        try
        {
            (commit, files) = await transport.ListAsync(cancellation);
        }
        catch (HubException e) when (e.Status is null && cache.CompleteSnapshot() is not null)
        {
            return cache.CompleteSnapshot()!;
        }
        var download = new HubDownload(options, id, transport, cache);
        var first = HubFiles.First(id, files);
        await BringAsync(first);
        var index = Path.Combine(cache.Snapshot(commit), SafetensorsFolder.IndexFile);
        if (first.Contains(SafetensorsFolder.IndexFile))
        {
            var shards = SafetensorsIndex.Read(index).Shards;
            if (shards.FirstOrDefault(s => !files.Contains(s)) is { } missing) throw new HubException(id, $"{SafetensorsFolder.IndexFile} names {missing}, which the repository does not have.");
            await BringAsync(shards);
        }
        cache.SetCommit(commit);
        return cache.Snapshot(commit);

        async Task BringAsync(IReadOnlyList<string> names)
        {
            long done = 0;
            var described = new List<HubFile>();
            foreach (var name in names.Where(n => !File.Exists(Path.Combine(cache.Snapshot(commit), n)))) described.Add(await transport.DescribeAsync(commit, name, cancellation));
            long total = described.Sum(f => f.Bytes), needed = described.Sum(f => f.Bytes - Present(cache, f));
            Directory.CreateDirectory(cache.Folder);
            DiskSpace.Require(cache.Folder, cache.Folder, needed);
            foreach (var file in described)
            {
                var before = done;
                await download.RunAsync(file, bytes => progress?.Invoke(new HubProgress(file.Name, bytes, file.Bytes, before + bytes, total)), cancellation);
                cache.Link(commit, file.Name, file.Etag);
                done += file.Bytes;
            }
        }
    }

    private static long Present(HubCache cache, HubFile file)
    {
        var blob = new FileInfo(cache.Blob(file.Etag));
        var incomplete = new FileInfo(blob.FullName + ".incomplete");
        return blob.Exists ? file.Bytes : incomplete.Exists ? Math.Min(incomplete.Length, file.Bytes) : 0;
    }
}
