using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Google.Protobuf.WellKnownTypes;
using LowRank.Training.Events;
using LowRank.Training.Trackers.Wandb.Proto;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>The records that open and close a run of LowRank in the file of Weights and Biases.</summary>
/// <param name="run">The run.</param>
internal sealed class RunRecords(RunDescription run)
{
    // The oldest client that reads such files, as wandb 0.31.0 states it.
    private const string MinimumReader = "0.70.0";

    private readonly RecordInfo info = new() { StreamId = run.Id };

    /// <summary>The first record.</summary>
    public Record Header() => new() { Header = new HeaderRecord { VersionInfo = new VersionInfo { Producer = $"LowRank/{run.Version}", MinConsumer = MinimumReader } }, Info = info };

    /// <summary>The run with its configuration.</summary>
    public Record Run(JsonObject config)
    {
        var record = new RunRecord
        {
            RunId = run.Id,
            Entity = Environment.GetEnvironmentVariable("WANDB_ENTITY") ?? "",
            Project = run.Project,
            DisplayName = run.Name,
            JobType = "train",
            Host = Environment.MachineName,
            StartTime = Timestamp.FromDateTimeOffset(run.Started),
            Telemetry = Telemetry(),
            Config = new ConfigRecord { Update = { config.Select(c => new ConfigItem { Key = c.Key, ValueJson = c.Value?.ToJsonString(WandbJson.Relaxed) ?? "null" }) } },
        };
        record.Tags.AddRange(run.Tags);
        if (Git() is { } git) record.Git = git;
        return new Record { Run = record, Info = info };
    }

    /// <summary>The machine.</summary>
    public Record Environs()
    {
        var environs = new EnvironmentRecord
        {
            Os = RuntimeInformation.OSDescription,
            StartedAt = Timestamp.FromDateTimeOffset(run.Started),
            Program = "lowrank",
            Host = Environment.MachineName,
            CpuCountLogical = (uint)Environment.ProcessorCount,
        };
        if (Git() is { } git) environs.Git = git;
        return new Record { Environment = environs, Info = info };
    }

    /// <summary>The held-out loss is summed up by its least value, not by its last.</summary>
    public Record HeldOutLoss() => new()
    {
        Metric = new MetricRecord { Name = RunScalars.HeldOutLoss, Options = new MetricOptions { Defined = true }, Summary = new MetricSummary { Min = true }, Goal = MetricRecord.Types.MetricGoal.GoalMinimize },
        Info = info,
    };

    /// <summary>Files that go with the run, by their names below <c>files/</c>.</summary>
    public Record Files(params ReadOnlySpan<string> names)
    {
        var files = new FilesRecord();
        foreach (var name in names) files.Files.Add(new FilesItem { Path = name, Type = FilesItem.Types.FileType.Wandb, Policy = FilesItem.Types.PolicyType.End });
        return new Record { Files = files, Info = info };
    }

    /// <summary>The last record. 0 is a run that came to its end, 130 one that was stopped, 1 one that broke off.</summary>
    public Record Exit(RunEnd? end, double seconds) => new()
    {
        Exit = new RunExitRecord { ExitCode = end switch { null => 1, RunEnd.Cancelled => 130, _ => 0 }, Runtime = (int)seconds },
        Info = info,
    };

    /// <summary>The machine as <c>wandb-metadata.json</c>.</summary>
    public string Metadata()
    {
        var json = new JsonObject
        {
            ["os"] = RuntimeInformation.OSDescription,
            ["startedAt"] = run.Started.UtcDateTime.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
            ["program"] = "lowrank",
            ["host"] = Environment.MachineName,
            ["cpu_count_logical"] = Environment.ProcessorCount,
            ["lowrank"] = run.Version,
        };
        if (run.Commit is { } commit) json["git"] = commit.Remote is null ? new JsonObject { ["commit"] = commit.Hash } : new JsonObject { ["remote"] = commit.Remote, ["commit"] = commit.Hash };
        return json.ToJsonString(new System.Text.Json.JsonSerializerOptions(WandbJson.Relaxed) { WriteIndented = true, NewLine = "\n" }) + "\n";
    }

    /// <summary>What is told of the client.</summary>
    public static TelemetryRecord Telemetry() => new()
    {
        Feature = new Feature { Offline = true, SetInitName = true, SetInitId = true, SetInitConfig = true },
        Label = new Labels { CodeString = "lowrank" },
        Platform = $"{(OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : "linux")}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}",
    };

    private GitRepoRecord? Git() => run.Commit is { } commit ? new GitRepoRecord { Commit = commit.Hash, RemoteUrl = commit.Remote ?? "" } : null;
}
