using System.Text.Json.Nodes;
using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Settings;

namespace LowRank.Training.Trackers;

/// <summary>What trackers tell of a run beside its numbers.</summary>
internal sealed record RunDescription
{
    /// <summary>The name that no other run has: eight letters and digits.</summary>
    public required string Id { get; init; }

    /// <summary>The name that a person gave it.</summary>
    public required string Name { get; init; }

    /// <summary>What it belongs to.</summary>
    public required string Project { get; init; }

    /// <summary>Its tags.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>Its folder, in full.</summary>
    public required string Folder { get; init; }

    /// <summary>When it began, in UTC, the first time.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>The version of LowRank.</summary>
    public required string Version { get; init; }

    /// <summary>The commit of the working folder, or null.</summary>
    public GitCommit? Commit { get; init; }

    /// <summary>Settings, versions, fingerprints, predicted memory: one flat object of texts, numbers, true and false. What has no value is left out.</summary>
    public required JsonObject Config { get; init; }

    /// <summary>Describes a run.</summary>
    /// <param name="record">Its record.</param>
    /// <param name="folder">Its folder, in full.</param>
    public static RunDescription Of(RunRecord record, string folder)
    {
        var settings = record.Settings.Trackers;
        return new RunDescription
        {
            Id = record.Id ?? RunRecord.NewId(),
            Name = settings.RunName ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)),
            Project = settings.Project,
            Tags = settings.TagList(),
            Folder = folder,
            Started = record.Started,
            Version = record.Version,
            Commit = record.Commit is null ? null : new GitCommit(record.Commit, record.Repository),
            Config = ConfigOf(record),
        };
    }

    /// <summary>The configuration with what is known only when the run has begun.</summary>
    public JsonObject ConfigWith(RunStarted start)
    {
        var config = (JsonObject)Config.DeepClone();
        config["trainable_parameters"] = start.TrainableParameters;
        config["all_parameters"] = start.AllParameters;
        config["total_steps"] = start.TotalSteps;
        config["examples"] = start.Examples;
        config["validation_examples"] = start.ValidationExamples;
        return config;
    }

    private static JsonObject ConfigOf(RunRecord record)
    {
        var config = new JsonObject(SettingsBinder.ToJson(record.Settings).Where(s => s.Value is not null).Select(s => KeyValuePair.Create(s.Key, s.Value?.DeepClone())));
        config["lowrank_version"] = record.Version;
        foreach (var (name, version) in record.Libraries ?? new Dictionary<string, string>()) config[$"{name}_version"] = version;
        config["base_weights"] = record.BaseWeights;
        if (record.DataFingerprint is { } data) config["data_fingerprint"] = data;
        if (record.Commit is { } commit) config["git_commit"] = commit;
        if (record.PredictedPeakBytes is { } peak) config["predicted_peak_mib"] = Math.Round(peak / 1048576.0, 1);
        return config;
    }
}
