using LowRank.Training.Settings;

namespace LowRank.Training.Sweeps;

/// <summary>All settings of a sweep: its own, and those that its runs share.</summary>
public sealed record SweepSettings
{
    /// <summary>What is tried.</summary>
    public SweepOptions Sweep { get; init; } = new();

    /// <summary>Which model, and how it computes.</summary>
    public ModelSettings Model { get; init; } = new();

    /// <summary>What is trained of it, where that does not vary.</summary>
    public AdapterSettings Adapter { get; init; } = new();

    /// <summary>On which data.</summary>
    public DataSettings Data { get; init; } = new();

    /// <summary>How, where that does not vary.</summary>
    public OptimizationSettings Optimization { get; init; } = new();

    /// <summary>How much memory it may use.</summary>
    public MemorySettings Memory { get; init; } = new();

    /// <summary>Which mistakes are looked for.</summary>
    public GuardSettings Guards { get; init; } = new();

    /// <summary>A run with these settings.</summary>
    internal TrainSettings ToRun() => new()
    {
        Model = Model,
        Adapter = Adapter,
        Data = Data,
        Optimization = Optimization,
        Memory = Memory,
        Guards = Guards,
        Evaluation = new EvaluationSettings { Samples = 0 },
        Output = new OutputSettings { Output = Sweep.Output },
    };
}
