using LowRank.Training.Settings;

namespace LowRank.Training.Comparison;

/// <summary>One combination of the settings that vary.</summary>
/// <param name="Name">What it is called in tables: <c>lora r 8</c>.</param>
/// <param name="Values">Each setting that varies, with its value as it was written.</param>
/// <param name="Settings">The settings of its runs, but for learning rate and seed.</param>
/// <param name="LearningRates">The learning rates to try, ascending.</param>
internal sealed record ComparisonCell(string Name, IReadOnlyDictionary<string, string> Values, TrainSettings Settings, IReadOnlyList<double> LearningRates)
{
    /// <summary>Whether all weights are trained.</summary>
    public bool IsFull => Settings.Adapter.Method == "full";

    /// <summary>The same run with all weights trained: what the gain of a cell is measured by, where that is a cell too.</summary>
    public TrainSettings Full => ComparisonGrid.Plain(Settings, "full");
}
