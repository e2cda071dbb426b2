using LowRank.Training.Settings;

namespace LowRank.Training.Sweeps;

/// <summary>What a sweep tries, and how runs are left out.</summary>
public sealed record SweepOptions
{
    /// <summary>What varies.</summary>
    [Setting("vary", "What differs between the runs, by key and values; several keys, parted by spaces, give every combination. Keys are rank, alpha, target, variant, init, rslora, learning-rate, plus, schedule, warmup, weight-decay, max-grad-norm.",
        Value = "KEY=A,B,…", Required = true)]
    public string Vary { get; init; } = "";

    /// <summary>How many of the runs go on.</summary>
    [Setting("keep-one-in", "After each round one in so many of the runs goes on: those of the lowest held-out loss (successive halving).", Minimum = 2)]
    public int KeepOneIn { get; init; } = 2;

    /// <summary>How often runs are left out.</summary>
    [Setting("rounds", "How often runs are left out; 0 trains all to the end.", Minimum = 0, Automatic = "as often as leaves one")]
    public int? Rounds { get; init; }

    /// <summary>How many adapters share a pass.</summary>
    [Setting("together", "How many adapters are trained in one batch; more need more memory, and change no result but by rounding.", Minimum = 1, Automatic = "as many as fit in 80 % of the memory")]
    public int? Together { get; init; }

    /// <summary>The folder.</summary>
    [Setting("output", "Folder of the sweep: results.json, table.md, curves.png, the best adapter and best.yaml. With the folder of a sweep that was stopped, it goes on after its last round.", Value = "FOLDER", Required = true)]
    public string Output { get; init; } = "";
}
