using System.Text;
using System.Text.Json.Nodes;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>
/// Sends an offline run to a server, as <c>wandb sync</c> does: the run with its configuration, its files, then its history in pieces. After each piece it is noted how far the server is, so
/// that a further call goes on from there.
/// </summary>
internal static class WandbSync
{
    private const int MostLines = 1000;
    private const int MostCharacters = 4 << 20;

    /// <summary>Sends what has not been sent.</summary>
    /// <param name="path">The run's file.</param>
    /// <param name="client">The server.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="LowRankException">The file is damaged, or the server refuses or does not answer.</exception>
    public static async Task<SyncResult> SendAsync(string path, WandbClient client, CancellationToken cancellation)
    {
        var marks = new SyncMarks(path);
        var run = OfflineRun.Read(path);
        var known = await client.UpsertAsync(FirstVariables(run), cancellation).ConfigureAwait(false);
        if (run.Config.ToJson() is var config && config != run.FirstConfig)
            known = await client.UpsertAsync(new JsonObject { ["name"] = known.Name, ["project"] = known.Project, ["entity"] = known.Entity, ["config"] = config }, cancellation).ConfigureAwait(false);
        var uploaded = await UploadAsync(run, known, client, cancellation).ConfigureAwait(false);
        // A file that was shortened since belongs to a run that was taken back to a checkpoint.
        var before = Math.Min(marks.Lines, run.HistoryLines);
        await StreamAsync(run, known, before, uploaded, client, marks, cancellation).ConfigureAwait(false);
        // A run that goes on, or was killed, has more to send some day.
        if (run.Exit is not null) marks.Finish();
        return new SyncResult(TrackerNames.Wandb, known.ToString(), path, run.HistoryLines - before, IsWhole: run.Exit is not null);
    }

    private static JsonObject FirstVariables(OfflineRun run) => new()
    {
        ["name"] = run.Run.RunId,
        ["project"] = Text(run.Run.Project),
        ["entity"] = Text(run.Run.Entity),
        ["groupName"] = Text(run.Run.RunGroup),
        ["displayName"] = Text(run.Run.DisplayName),
        ["notes"] = Text(run.Run.Notes),
        ["commit"] = Text(run.Run.Git?.Commit),
        ["repo"] = Text(run.Run.Git?.RemoteUrl),
        ["config"] = run.FirstConfig,
        ["host"] = Text(run.Run.Host),
        ["program"] = "lowrank",
        ["jobType"] = Text(run.Run.JobType),
        ["tags"] = run.Run.Tags.Count == 0 ? null : new JsonArray([.. run.Run.Tags.Select(t => (JsonNode)t)]),
    };

    private static JsonNode? Text(string? text) => string.IsNullOrEmpty(text) ? null : JsonValue.Create(text);

    private static async Task<IReadOnlyList<string>> UploadAsync(OfflineRun run, RunOnServer known, WandbClient client, CancellationToken cancellation)
    {
        var contents = new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["wandb-summary.json"] = Encoding.UTF8.GetBytes(run.Summary.ToJson()),
            ["config.yaml"] = Encoding.UTF8.GetBytes(run.Config.ToYaml()),
        };
        var folder = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(run.Path))!, "files");
        foreach (var name in run.Files.Where(n => !contents.ContainsKey(n)))
        {
            var file = Path.GetFullPath(name, folder);
            // What the file names must lie where such files lie, and need not be there.
            if (file.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal) && File.Exists(file)) contents[name] = await File.ReadAllBytesAsync(file, cancellation).ConfigureAwait(false);
        }
        var (places, headers) = await client.CreateFilesAsync(known, contents.Keys, cancellation).ConfigureAwait(false);
        foreach (var (name, url) in places)
            if (contents.TryGetValue(name, out var content)) await client.UploadAsync(url, headers, content, cancellation).ConfigureAwait(false);
        return [.. contents.Keys];
    }

    private static async Task StreamAsync(OfflineRun run, RunOnServer known, int before, IReadOnlyList<string> uploaded, WandbClient client, SyncMarks marks, CancellationToken cancellation)
    {
        var (lines, characters, offset) = (new List<string>(), 0, before);
        foreach (var line in run.History(before))
        {
            if (lines.Count == MostLines || (lines.Count > 0 && characters + line.Length > MostCharacters)) await SendAsync(null).ConfigureAwait(false);
            lines.Add(line);
            characters += line.Length;
        }
        var last = new JsonObject { ["uploaded"] = new JsonArray([.. uploaded.Select(u => (JsonNode)u)]) };
        if (run.Exit is { } exit)
        {
            last["complete"] = true;
            last["exitcode"] = exit.ExitCode;
        }
        await SendAsync(last).ConfigureAwait(false);

        async Task SendAsync(JsonObject? end)
        {
            var files = new JsonObject();
            if (lines.Count > 0) files["wandb-history.jsonl"] = Piece(offset, lines);
            if (end is not null) files["wandb-summary.json"] = Piece(0, [run.Summary.ToJson()]);
            var body = new JsonObject { ["files"] = files };
            foreach (var (name, value) in end ?? new JsonObject()) body[name] = value?.DeepClone();
            await client.StreamAsync(known, body, cancellation).ConfigureAwait(false);
            offset += lines.Count;
            lines.Clear();
            characters = 0;
            marks.Took(offset);
        }
    }

    private static JsonObject Piece(int offset, IEnumerable<string> lines) => new() { ["offset"] = offset, ["content"] = new JsonArray([.. lines.Select(l => (JsonNode)l)]) };
}
