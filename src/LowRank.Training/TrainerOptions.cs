using LowRank.Optimizers;
using LowRank.Training.Accumulation;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;

namespace LowRank.Training;

/// <summary>What the training loop needs to know, with nothing left to choose.</summary>
public sealed record TrainerOptions
{
    /// <summary>Folder of the run; null keeps nothing on disk.</summary>
    public string? Output { get; init; }

    /// <summary>Passes over the data. Default 1. Ignored with <see cref="TotalSteps"/>.</summary>
    public double Epochs { get; init; } = 1;

    /// <summary>Optimizer steps of the whole run; null leaves it to <see cref="Epochs"/>.</summary>
    public long? TotalSteps { get; init; }

    /// <summary>What is learned. Default supervised text.</summary>
    public ObjectiveOptions Objective { get; init; } = new();

    /// <summary>How examples become batches.</summary>
    public BatchOptions Batches { get; init; } = new();

    /// <summary>Micro-batches of a step. Default 1.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>How many layers, from the first, compute their activations again in the backward pass instead of keeping them. It saves memory and changes no result. Default 0.</summary>
    public int CheckpointedLayers { get; init; }

    /// <summary>The peak learning rate. Default 2e-4.</summary>
    public double LearningRate { get; init; } = 2e-4;

    /// <summary>Its course.</summary>
    public LearningRateSchedule Schedule { get; init; } = new() { Kind = LearningRateScheduleKind.Cosine, WarmupRatio = 0.03 };

    /// <summary>AdamW's settings. Default without weight decay, with fp32 moments in memory.</summary>
    public AdamWSettings Optimizer { get; init; } = new(WeightDecay: 0);

    /// <summary>What the gradients of a LoRA's matrices are multiplied with before AdamW's step, LoRA-FA and Riemannian preconditioning. Default nothing.</summary>
    public GradientPreconditioning Preconditioning { get; init; }

    /// <summary>LoRA+, or null for one learning rate.</summary>
    public LoraPlus? Plus { get; init; }

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

    /// <summary>Whether the finished adapter has its scaling in the matrices. Default false.</summary>
    internal bool Portable { get; init; }

    /// <summary>Evaluations without a better loss after which the run stops; null for never.</summary>
    public int? Patience { get; init; }

    /// <summary>What was predicted as the peak of resident memory, in bytes, to be shown beside the measured one.</summary>
    public long? PredictedPeakBytes { get; init; }

    /// <summary>What the process may occupy in all, in bytes, for the guards.</summary>
    internal long? UsableBytes { get; init; }

    /// <summary>Guards that keep quiet, by their names in <see cref="Guards.GuardIds"/>. Default none.</summary>
    public IReadOnlyCollection<string> Silenced { get; init; } = [];

    /// <summary>What of <see cref="PredictedPeakBytes"/> cannot be moved out to a file, in bytes: what must be there.</summary>
    public long? NeededBytes { get; init; }

    /// <summary>
    /// Whether <see cref="NeededBytes"/> is compared with what is free before each step: on a CPU, running out of memory ends the process without a word. Default true.
    /// </summary>
    public bool WatchMemory { get; init; } = true;

    /// <summary>What happens where memory does not suffice for a step. Default <see cref="Accumulation.OnOutOfMemory.Split"/>.</summary>
    public OnOutOfMemory OnOutOfMemory { get; init; }

    /// <summary><see cref="NeededBytes"/> with each micro-batch in so many parts; null where that is not known.</summary>
    internal Func<int, long>? NeededBytesInParts { get; init; }

    /// <summary>Whether the sampler's prompts are answered before the first step too.</summary>
    internal bool AnswersFirst { get; init; }

    /// <summary>Steps of an epoch: its batches by the micro-batches of a step, rounded up.</summary>
    internal int StepsPerEpoch(int batches) => Math.Max(1, (batches + Accumulate - 1) / Accumulate);

    /// <summary>Steps of the run.</summary>
    internal long Steps(int batches) => TotalSteps ?? Math.Max(1, (long)Math.Round(Epochs * StepsPerEpoch(batches)));

    /// <summary>What LowRank chose, for the first event.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];
}
