using System.Globalization;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>An offline run as Weights and Biases lays it out: <c>wandb/offline-run-DATE-ID/</c> with <c>run-ID.wandb</c> and <c>files/</c>.</summary>
/// <param name="Path">The folder of the run.</param>
/// <param name="Id">The run's id.</param>
internal sealed record WandbFolder(string Path, string Id)
{
    private const string Prefix = "offline-run-";

    /// <summary>The file with the records.</summary>
    public string Log => System.IO.Path.Combine(Path, $"run-{Id}.wandb");

    /// <summary>The folder of what is uploaded as files.</summary>
    public string Files => System.IO.Path.Combine(Path, "files");

    /// <summary>The folder of a run's attempts: that of an earlier part of it, or a new one. Nothing is created.</summary>
    /// <param name="output">The run's own folder.</param>
    /// <param name="id">The run's id.</param>
    /// <param name="time">The local time now.</param>
    public static WandbFolder For(string output, string id, DateTimeOffset time)
    {
        var root = System.IO.Path.Combine(output, "wandb");
        var earlier = Directory.Exists(root) ? Directory.GetDirectories(root, $"{Prefix}*-{id}").Order(StringComparer.Ordinal).LastOrDefault() : null;
        return new WandbFolder(earlier ?? System.IO.Path.Combine(root, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{time:yyyyMMdd_HHmmss}-{id}")), id);
    }

    /// <summary>The files of runs at a path: the path itself, or what lies in the folder, directly or below <c>wandb/</c>.</summary>
    public static IReadOnlyList<string> LogsAt(string path)
    {
        if (File.Exists(path)) return path.EndsWith(".wandb", StringComparison.Ordinal) ? [path] : [];
        if (!Directory.Exists(path)) return [];
        var folders = new List<string> { path };
        foreach (var root in (string[])[path, System.IO.Path.Combine(path, "wandb")])
            if (Directory.Exists(root)) folders.AddRange(Directory.GetDirectories(root, Prefix + "*").Order(StringComparer.Ordinal));
        return [.. folders.SelectMany(f => Directory.GetFiles(f, "run-*.wandb").Order(StringComparer.Ordinal)).Distinct(StringComparer.Ordinal)];
    }
}
