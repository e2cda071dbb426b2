namespace LowRank.Training.Sweeps;

/// <summary>Where a sweep stands, and what it found: <c>results.json</c>.</summary>
internal sealed record SweepResult
{
    /// <summary>The file's name.</summary>
    public const string FileName = "results.json";

    /// <summary>What varied.</summary>
    public required string Vary { get; init; }

    /// <summary>The settings as they were given, to tell one sweep from another.</summary>
    public required string Settings { get; init; }

    /// <summary>Steps of a whole run.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Rounds that are over.</summary>
    public required int Rounds { get; init; }

    /// <summary>The step at which each round ends.</summary>
    public required IReadOnlyList<long> RoundSteps { get; init; }

    /// <summary>The runs, in the order of what varies.</summary>
    public required IReadOnlyList<SweepRunResult> Runs { get; init; }

    /// <summary>How many adapters shared a pass.</summary>
    public int Together { get; init; }

    /// <summary>The name of the run of the lowest held-out loss at the end; null before it.</summary>
    public string? Best { get; init; }
}
