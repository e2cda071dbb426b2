namespace LowRank.Training.Settings;

/// <summary>All settings of a training run, grouped by question. Written to <c>run.json</c>, so that a run can be resumed and repeated.</summary>
public sealed record TrainSettings
{
    /// <summary>Which model, and how it computes.</summary>
    public ModelSettings Model { get; init; } = new();

    /// <summary>What is trained of it.</summary>
    public AdapterSettings Adapter { get; init; } = new();

    /// <summary>On which data.</summary>
    public DataSettings Data { get; init; } = new();

    /// <summary>What is learned from it.</summary>
    public ObjectiveSettings Objective { get; init; } = new();

    /// <summary>How.</summary>
    public OptimizationSettings Optimization { get; init; } = new();

    /// <summary>How much memory it may use.</summary>
    public MemorySettings Memory { get; init; } = new();

    /// <summary>How progress is measured.</summary>
    public EvaluationSettings Evaluation { get; init; } = new();

    /// <summary>Which mistakes are looked for.</summary>
    public GuardSettings Guards { get; init; } = new();

    /// <summary>Where results go.</summary>
    public OutputSettings Output { get; init; } = new();

    /// <summary>Where it is followed.</summary>
    public TrackerSettings Trackers { get; init => field = value ?? new(); } = new();
}
