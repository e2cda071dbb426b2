using LowRank.Optimizers;
using LowRank.Training.Packing;

namespace LowRank.Training;

/// <summary>What the training loop needs to know, with nothing left to choose.</summary>
public sealed record TrainerOptions
{
    /// <summary>Folder of the run; null keeps nothing on disk.</summary>
    public string? Output { get; init; }

    /// <summary>Optimizer steps of the whole run.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>How examples become batches.</summary>
    public BatchOptions Batches { get; init; } = new();

    /// <summary>Micro-batches of a step. Default 1.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>The peak learning rate. Default 2e-4.</summary>
    public double LearningRate { get; init; } = 2e-4;

    /// <summary>Its course.</summary>
    public LearningRateSchedule Schedule { get; init; } = new() { Kind = LearningRateScheduleKind.Cosine, WarmupRatio = 0.03 };

    /// <summary>AdamW's settings. Default without weight decay.</summary>
    public AdamWSettings Optimizer { get; init; } = new(WeightDecay: 0);

    /// <summary>The limit of the gradient's norm; 0 for none. Default 1.</summary>
    public double MaxGradientNorm { get; init; } = 1;

    /// <summary>Seed of dropout. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Steps between evaluations; null for none but the last.</summary>
    public int? EvaluateEvery { get; init; }

    /// <summary>Steps between checkpoints; null for none.</summary>
    public int? SaveEvery { get; init; }

    /// <summary>Checkpoints that are kept. Default 2.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Evaluations without a better loss after which the run stops; null for never.</summary>
    public int? Patience { get; init; }

    /// <summary>Held-out prompts that are answered at each evaluation. Default 0.</summary>
    public int Samples { get; init; }

    /// <summary>Most tokens of such an answer. Default 48.</summary>
    public int SampleTokens { get; init; } = 48;

    /// <summary>What was predicted as the peak of resident memory, in bytes, to be shown beside the measured one.</summary>
    public long? PredictedPeakBytes { get; init; }

    /// <summary>What LowRank chose, for the first event.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];
}
