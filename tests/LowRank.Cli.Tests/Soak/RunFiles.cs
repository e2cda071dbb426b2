using System.Globalization;
using System.Text.Json;
using LowRank.Training.Tests.Trackers;
using LowRank.Training.Trackers;
using LowRank.Training.Trackers.Mlflow;
using LowRank.Training.Trackers.TensorBoard;
using LowRank.Training.Trackers.Wandb;

namespace LowRank.Cli.Tests.Soak;

/// <summary>What a run left in its folder, read as its readers do.</summary>
internal sealed class RunFiles(string folder)
{
    /// <summary>The steps of <c>metrics.jsonl</c> in the order of the file, with what the training decides of each: no times, no memory.</summary>
    public IReadOnlyList<string> Steps => [.. Events("step").Select(Decided)];

    /// <summary>The evaluations of <c>metrics.jsonl</c>.</summary>
    public IReadOnlyList<string> Evaluations => [.. Events("evaluation").Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.GetProperty("step")} {e.GetProperty("loss")}"))];

    /// <summary>Resident memory after each step, in MiB.</summary>
    public IReadOnlyList<double> ResidentMebibytes => [.. Events("step").Select(e => e.GetProperty("rss_mib").GetDouble())];

    /// <summary>Names of the files and folders of the run, in order.</summary>
    public IReadOnlyList<string> Entries => [.. Directory.GetFileSystemEntries(folder).Select(e => Path.GetFileName(e)).Order(StringComparer.Ordinal)];

    /// <summary>Files and folders, however deep, that are there only while something is written or deleted.</summary>
    public IReadOnlyList<string> Leftovers => [.. Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
        .Where(e => Path.GetFileName(e) is var name && (name.StartsWith('.') || name.EndsWith(".partial", StringComparison.Ordinal) || name.EndsWith(".tmp", StringComparison.Ordinal)))];

    /// <summary>Names of the checkpoints, in order.</summary>
    public IReadOnlyList<string> Checkpoints => [.. Entries.Where(e => e.StartsWith("checkpoint-", StringComparison.Ordinal))];

    /// <summary>Steps with a training loss in the one event file of TensorBoard.</summary>
    public IReadOnlyList<long> BoardSteps => [.. EventFileReader.Read(Assert.Single(Directory.GetFiles(Path.Combine(folder, TensorBoardTracker.Folder))))
        .Where(e => e.Summary?.Value[0].Tag == RunScalars.Loss).Select(e => e.Step)];

    /// <summary>Steps with a training loss in the history of the offline run of Weights and Biases.</summary>
    public IReadOnlyList<long> WandbSteps => [.. RunLogReader.Read(Assert.Single(WandbFolder.LogsAt(folder)))
        .Where(r => r.History is not null && r.History.Item.Any(i => i.NestedKey is [RunScalars.Loss])).Select(r => r.History.Step.Num)];

    /// <summary>Whether the offline run of Weights and Biases tells that it ended.</summary>
    public bool WandbEnded => RunLogReader.Read(Assert.Single(WandbFolder.LogsAt(folder))).Any(r => r.Exit is not null);

    /// <summary>Steps with a training loss in the spool of MLflow.</summary>
    public IReadOnlyList<long> MlflowSteps => [.. new MlflowSpool(folder).Read(0).Where(l => l.Line.ContainsKey(MlflowSpool.Metrics))
        .SelectMany(l => l.Line[MlflowSpool.Metrics]!.AsArray()).Where(m => m!["key"]!.GetValue<string>() == RunScalars.Loss).Select(m => m!["step"]!.GetValue<long>())];

    private IEnumerable<JsonElement> Events(string kind) => File.ReadLines(Path.Combine(folder, "metrics.jsonl"))
        .Select(l => JsonElement.Parse(l)).Where(e => e.GetProperty("event").GetString() == kind);

    private static string Decided(JsonElement step) =>
        string.Join(' ', ((string[])["step", "loss", "learning_rate", "gradient_norm", "epoch", "tokens", "supervised_tokens"]).Select(key => step.GetProperty(key).GetRawText()));
}
