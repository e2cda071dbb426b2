using LowRank.Training.Settings;

namespace LowRank.Training.Comparison;

/// <summary>All settings of a comparison: its own, and those that its runs share.</summary>
public sealed record ComparisonSettings
{
    /// <summary>What is compared.</summary>
    public CompareSettings Comparison { get; init; } = new();

    /// <summary>Which model, and how it computes.</summary>
    public ModelSettings Model { get; init; } = new();

    /// <summary>What is trained of it, where that does not vary.</summary>
    public AdapterSettings Adapter { get; init; } = new();

    /// <summary>On which data.</summary>
    public DataSettings Data { get; init; } = new();

    /// <summary>How.</summary>
    public OptimizationSettings Optimization { get; init; } = new();

    /// <summary>Which mistakes are looked for.</summary>
    public GuardSettings Guards { get; init; } = new();

    /// <summary>A run with these settings; where its files go is left open.</summary>
    internal TrainSettings ToRun() => new()
    {
        Model = Model,
        Adapter = Adapter,
        // The seeds share what is held back, so that their answers can be compared row by row.
        Data = Data with { SplitSeed = Data.SplitSeed ?? Optimization.Seed },
        Optimization = Optimization,
        Guards = Guards,
        Evaluation = new EvaluationSettings { Samples = 0, EvalEvery = Comparison.EvalEvery ?? (Optimization.MaxSteps is { } steps ? Math.Max(1, steps / 8) : null) },
        // No checkpoints: a run that was cut off begins anew.
        Output = new OutputSettings { SaveEvery = int.MaxValue, Report = false },
    };
}
