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
}
