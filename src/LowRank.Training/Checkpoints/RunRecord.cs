using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using LowRank.Training.Settings;

namespace LowRank.Training.Checkpoints;

/// <summary>What a run was: its settings with everything that was chosen written out, and what its results depend on. Kept as <c>run.json</c>.</summary>
public sealed record RunRecord
{
    /// <summary>The file's name in a run's folder.</summary>
    public const string FileName = "run.json";

    /// <summary>The version of LowRank.</summary>
    public required string Version { get; init; }

    /// <summary>The settings, with no choice left open.</summary>
    public required TrainSettings Settings { get; init; }

    /// <summary>Fingerprint of the base weights.</summary>
    public required string BaseWeights { get; init; }

    /// <summary>When the run began, in UTC.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>Fingerprints of what the run reads; null in a record of a LowRank that took none.</summary>
    [JsonInclude]
    internal RunInputs? Inputs { get; init; }

    /// <summary>The machine that the run began on; null in a record of a LowRank that did not keep it.</summary>
    [JsonInclude]
    internal RunMachine? Machine { get; init; }

    /// <summary>The version of this LowRank.</summary>
    internal static string CurrentVersion { get; } = typeof(RunRecord).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
    /// <summary>What no other run is called: eight letters and digits, by which its trackers know it again when it is resumed. Null in records of older versions, as is what follows.</summary>
    public string? Id { get; init; }

    /// <summary>Fingerprint of the data: XxHash128 over its rows, in hexadecimal.</summary>
    public string? DataFingerprint { get; init; }

    /// <summary>The git commit of the folder in which the run was started.</summary>
    public string? Commit { get; init; }

    /// <summary>The address of that repository's origin, without a user or password.</summary>
    public string? Repository { get; init; }

    /// <summary>The peak of memory that was planned, in bytes.</summary>
    public long? PredictedPeakBytes { get; init; }

    /// <summary>Versions of what LowRank stands on: dotnet, torchsharp, libtorch.</summary>
    public IReadOnlyDictionary<string, string>? Libraries { get; init; }

    /// <summary>A new <see cref="Id"/>.</summary>
    internal static string NewId() => RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 8);
    /// <summary>The planned memory by part, in bytes; null in the records of earlier versions.</summary>
    public IReadOnlyDictionary<string, long>? PlannedMemory { get; init; }

    /// <summary>Reads the record of a run.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <exception cref="LowRankException">The folder holds no run, or the record is damaged.</exception>
    public static RunRecord Load(string folder) => TrainingJson.Read(Path.Combine(folder, FileName), TrainingJson.Default.RunRecord);

    /// <summary>Makes sure that what was written for a resumed run is what it began with; where its files go and which guards keep quiet may change.</summary>
    /// <param name="entries">What was written. Values that are left open agree with whatever was chosen.</param>
    /// <exception cref="SettingsException">A setting differs; all of them are listed.</exception>
    public void RequireSame(IReadOnlyList<SettingEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var given = SettingsBinder.Read(entries, Settings);
        var problems = SettingsBinder.Differences(Settings, given)
            .Where(d => d.Second is not null && d.Setting.Key is not ("output" or "silence"))
            .Select(d => $"--{d.Setting.Key} {d.Second} differs from the run's {d.First ?? "default"}: a resumed run keeps its settings. Leave it out, or begin a new run").ToList();
        if (problems.Count > 0) throw new SettingsException(problems);
    }
}
