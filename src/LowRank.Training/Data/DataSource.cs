using LowRank.Models.Hub;
using LowRank.Models.Hub.Contents;

namespace LowRank.Training.Data;

/// <summary>Data as a user names it: a file, or a data set of the hub (<c>org/name</c>, <c>org/name:split</c>, <c>org/name:file</c>), which is downloaded.</summary>
internal static class DataSource
{
    /// <summary>Whether the text names data of the hub, not a file of this machine.</summary>
    public static bool IsOnHub(string data) => HubDataId.TryParse(data, out _);

    /// <summary>The files of data: the path as it is, or the files of the cache that hold it, in order.</summary>
    /// <exception cref="LowRankException">The hub does not have it, or it cannot be downloaded.</exception>
    public static IReadOnlyList<string> Locate(string data, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        if (!HubDataId.TryParse(data, out var id)) return [data];
        progress?.Invoke($"Looking for the data set {id} on the hub");
        var content = new DataContent(id.Part);
        var snapshot = new HubClient(HubOptions.FromEnvironment()).BringAsync(id.Repository, content, new HubProgressLines(id.Repository, progress).Report, cancellation).GetAwaiter().GetResult();
        return [.. content.First(id.Repository, HubCache.NamesIn(snapshot)).Select(f => Path.Combine(snapshot, f))];
    }

    /// <summary>Reads data; the rows of several files one after the other.</summary>
    /// <exception cref="DatasetException">A file is missing or wrong.</exception>
    /// <exception cref="LowRankException">The hub does not have it, or its files have rows of different shapes.</exception>
    public static Dataset Load(string data, DatasetOptions? options = null, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        var files = Locate(data, progress, cancellation).Select(file => Dataset.Load(file, options)).ToArray();
        if (files.Length == 1) return files[0];
        if (files.FirstOrDefault(f => f.Format != files[0].Format) is { } other)
            throw new LowRankException($"{data}: {files[0].Path} has rows of the shape {files[0].Format}, {other.Path} of {other.Format}. Name one of the files.");
        return new Dataset(data, files[0].Format, [.. files.SelectMany(f => f.Rows)], [.. files.SelectMany(f => f.Problems)]);
    }
}
