using LowRank.Models.Hub;
using LowRank.Models.Hub.Contents;
using LowRank.Training.Data.Rows;
using LowRank.Training.Data.Sources;

namespace LowRank.Training.Data;

/// <summary>
/// Data as a user names it: a file, a folder (<c>folder</c>, <c>folder:split</c>, <c>folder:name</c> of a dataset_info.json), a pattern (<c>data/*.parquet</c>), a data set of
/// the hub (<c>org/name</c>, <c>org/name:split</c>, <c>org/name:file</c>), which is downloaded, or several of them with commas, with or without weights.
/// </summary>
internal static class DataSource
{
    private const string ValidationSplitName = "validation";

    /// <summary>Whether the text names data of the hub, not a file of this machine.</summary>
    public static bool IsOnHub(string data) => !FilePattern.IsOne(data) && DataFolder.Parse(data) is null && HubDataId.TryParse(data, out _);

    /// <summary>Whether the text names something else than a single file: a folder with data, a pattern, several sources, or data of the hub.</summary>
    public static bool IsComposed(string data) => !File.Exists(data)
        && (FilePattern.IsOne(data) || (DataFolder.Parse(data) is { } folder && (folder.Part is not null || DataFolder.IsOne(folder.Folder))) || (!Directory.Exists(data) && (DataItem.Parse(data) is { Count: > 1 } or [{ Weight: not null }] || IsOnHub(data))));

    /// <summary>The files of data, in order; what the hub has is downloaded.</summary>
    /// <exception cref="LowRankException">There is none, or it cannot be downloaded.</exception>
    public static IReadOnlyList<string> Locate(string data, Action<string>? progress = null, CancellationToken cancellation = default) =>
        [.. DataItem.Parse(data).SelectMany(i => Locate(i.Name, null, new DatasetOptions(), progress, cancellation)).Select(f => f.Path)];

    /// <summary>The held-out rows that come with data: the validation split of a folder. Null where there is none.</summary>
    public static string? ValidationOf(string data) =>
        DataFolder.Parse(data) is (var folder, null) && DataFolder.Has(folder, ValidationSplitName) ? $"{folder}:{ValidationSplitName}" : null;

    /// <summary>Reads data; the rows of several files one after the other.</summary>
    /// <param name="data">What the user named.</param>
    /// <param name="options">How the files are read.</param>
    /// <param name="progress">Is told what is being done.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <param name="isHeldOut">Whether a folder without a split stands for its validation rows, where it has such.</param>
    /// <exception cref="DatasetException">A file is missing or wrong.</exception>
    /// <exception cref="LowRankException">The hub does not have it, or its files have rows of different shapes.</exception>
    public static Dataset Load(string data, DatasetOptions? options = null, Action<string>? progress = null, CancellationToken cancellation = default, bool isHeldOut = false)
    {
        options ??= new DatasetOptions();
        var items = DataItem.Parse(data);
        var sources = items.Select(item => Joined(item.Name, [.. Locate(item.Name, isHeldOut ? ValidationOf(item.Name) : null, options, progress, cancellation).Select(f => Dataset.Load(f.Path, f.Options))])).ToArray();
        if (sources.Length == 1) return sources[0];
        var rows = new JoinedRows([.. sources.Select(s => (RowList)s.Rows)]);
        int[] starts = [0, .. sources.Select((_, i) => sources[..(i + 1)].Sum(s => s.Rows.Count))];
        return new Dataset(data, sources[0].Format, rows, [.. sources.SelectMany(s => s.Problems)])
        {
            SkippedRows = sources.Sum(s => s.SkippedRows),
            Skips = sources[0].Skips,
            Formats = [.. sources.SelectMany(s => s.Formats).Distinct()],
            Mixture = items[0].Weight is null ? null : new Mixture(starts, [.. items.Select(i => i.Weight!.Value)], [.. items.Select(i => i.Name)]),
        };
    }

    private static IReadOnlyList<LocatedFile> Locate(string name, string? instead, DatasetOptions options, Action<string>? progress, CancellationToken cancellation)
    {
        if (File.Exists(name)) return [new LocatedFile(name, options)];
        if (FilePattern.IsOne(name)) return [.. FilePattern.Find(name).Select(f => new LocatedFile(f, options))];
        if (DataFolder.Parse(instead ?? name) is var (folder, part)) return DataFolder.Locate(folder, part, options);
        if (!HubDataId.TryParse(name, out var id)) return [new LocatedFile(name, options)];
        progress?.Invoke($"Looking for the data set {id} on the hub");
        var content = new DataContent(id.Part);
        var snapshot = new HubClient(HubOptions.FromEnvironment()).BringAsync(id.Repository, content, new HubProgressLines(id.Repository, progress).Report, cancellation).GetAwaiter().GetResult();
        return [.. content.First(id.Repository, HubCache.NamesIn(snapshot)).Select(f => new LocatedFile(Path.Combine(snapshot, f), options))];
    }

    private static Dataset Joined(string name, Dataset[] files)
    {
        if (files.Length == 1) return files[0];
        if (files.FirstOrDefault(f => f.Format != files[0].Format) is { } other)
            throw new LowRankException($"{name}: {files[0].Path} has rows of the shape {files[0].Format}, {other.Path} of {other.Format}. Name one of the files.");
        return new Dataset(name, files[0].Format, new JoinedRows([.. files.Select(f => (RowList)f.Rows)]), [.. files.SelectMany(f => f.Problems)]) { SkippedRows = files.Sum(f => f.SkippedRows), Skips = files[0].Skips };
    }
}
