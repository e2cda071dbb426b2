using LowRank.Training.Settings;

namespace LowRank.Training.Comparison;

/// <summary>What is compared, and how it is judged.</summary>
public sealed record CompareSettings
{
    /// <summary>What varies.</summary>
    [Setting("vary", "What differs between the cells, by key and values; several keys, parted by spaces, give every combination. Keys are those of train; alpha takes r/2, r and 2r, and targets joins names by +.",
        Value = "KEY=A,B,…", Required = true)]
    public string Vary { get; init; } = "";

    /// <summary>Learning rates to try.</summary>
    [Setting("lr-grid", "Learning rates that each cell tries on the first seed, to take the one of the lowest held-out loss; full takes a twentieth of each. METHOD:A,B gives a method its own. Ignored with --learning-rate.", Value = "A,B,…")]
    public string LrGrid { get; init; } = "1e-4,3e-4,1e-3";

    /// <summary>Runs of a cell.</summary>
    [Setting("seeds", "Runs of each cell at its learning rate, with the seeds from --seed on: adapter's start, order of rows and dropout.", Minimum = 1)]
    public int Seeds { get; init; } = 3;

    /// <summary>Rows for the figures in the table.</summary>
    [Setting("test", "Rows on which loss and accuracy are measured at the end; those of --validation choose the learning rate.", Value = "FILE", Automatic = "the rows of --validation")]
    public string? Test { get; init; }

    /// <summary>How many of them.</summary>
    [Setting("eval-rows", "Use only the first of these rows at the end.", Minimum = 1, Automatic = "all rows")]
    public int? EvalRows { get; init; }

    /// <summary>What is measured on them.</summary>
    [Setting("metric", "exact: the share of exactly right answers, with its interval. loss: the loss alone, which takes less time.", Choices = ["exact", "loss"])]
    public string Metric { get; init; } = "exact";

    /// <summary>The text for forgetting.</summary>
    [Setting("general", "A text that the task has nothing to do with: forgetting is the rise of its loss.", Value = "FILE", Automatic = "the text that ships with LowRank")]
    public string? General { get; init; }

    /// <summary>Points of the curves.</summary>
    [Setting("eval-every", "Steps between the points of the curves.", Minimum = 1, Automatic = "an eighth of --max-steps, or once an epoch")]
    public int? EvalEvery { get; init; }

    /// <summary>Whether what was trained stays.</summary>
    [Setting("keep-weights", "Keep the adapter or checkpoint of each run at the chosen learning rate; without it they are removed when they are measured.")]
    public bool KeepWeights { get; init; }

    /// <summary>The folder.</summary>
    [Setting("output", "Folder of the comparison: results.json, table.md, pictures, and every finished run. With the folder of a comparison that was stopped, only what is missing is run.", Value = "FOLDER", Required = true)]
    public string Output { get; init; } = "";
}
