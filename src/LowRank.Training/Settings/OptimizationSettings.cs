namespace LowRank.Training.Settings;

/// <summary>How the parameters are moved.</summary>
public sealed record OptimizationSettings
{
    /// <summary>Passes over the data.</summary>
    [Setting("epochs", "Passes over the data; ignored with --max-steps.", Minimum = 0)]
    public double Epochs { get; init; } = 3;

    /// <summary>Steps.</summary>
    [Setting("max-steps", "Optimizer steps; takes precedence over --epochs.", Minimum = 1, Automatic = "by --epochs")]
    public int? MaxSteps { get; init; }

    /// <summary>Rows of a micro-batch.</summary>
    [Setting("batch", "Rows that go through the model at once.", Minimum = 1)]
    public int Batch { get; init; } = 8;

    /// <summary>Micro-batches of a step.</summary>
    [Setting("accumulate", "Micro-batches whose gradients make one step; the result equals that of one batch of all their rows.", Minimum = 1)]
    public int Accumulate { get; init; } = 1;

    /// <summary>Whether activations are kept or computed again.</summary>
    [Setting("checkpointing", "Compute the activations of layers again in the backward pass instead of keeping them: of none, of all (full), or of as many as memory asks for (auto). Results are equal.",
        Choices = ["auto", "none", "full"])]
    public string Checkpointing { get; init; } = "auto";

    /// <summary>The learning rate.</summary>
    [Setting("learning-rate", "Peak learning rate.", Minimum = 0, Automatic = "2e-4, or 2e-5 with --method full; for preferences a tenth")]
    public double? LearningRate { get; init; }

    /// <summary>The schedule.</summary>
    [Setting("schedule", "Course of the learning rate, by its name in transformers.",
        Choices = ["linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "inverse_sqrt", "warmup_stable_decay"])]
    public string Schedule { get; init; } = "cosine";

    /// <summary>Warm-up.</summary>
    [Setting("warmup", "Steps (from 1) or share of the steps (below 1) in which the learning rate rises.", Minimum = 0)]
    public double Warmup { get; init; } = 0.03;

    /// <summary>The limit of the gradient norm.</summary>
    [Setting("max-grad-norm", "Gradients are scaled down to this norm; 0 switches it off.", Minimum = 0)]
    public double MaxGradientNorm { get; init; } = 1;

    /// <summary>Weight decay.</summary>
    [Setting("weight-decay", "Decoupled weight decay of AdamW.", Minimum = 0)]
    public double WeightDecay { get; init; }

    /// <summary>The optimizer.</summary>
    [Setting("optimizer", "AdamW with fp32 moments (8 bytes a trained parameter) or 8-bit ones (2 bytes); for a LoRA also lorafa, which trains B alone and keeps no inputs for A, and riemannian (LoRA or DoRA), which balances the gradients of A and B.", Choices = ["adamw", "adamw8bit", "lorafa", "riemannian"])]
    public string Optimizer { get; init; } = "adamw";

    /// <summary>Whether the optimizer's state is paged.</summary>
    [Setting("paged", "Keep the optimizer's moments in a mapped file that leaves memory when it runs short; the results are the same.")]
    public bool Paged { get; init; }

    /// <summary>The ratio of LoRA+.</summary>
    [Setting("plus", "LoRA+: the learning rate of B as a multiple of A's, such as 16.", Minimum = 0, Automatic = "one learning rate")]
    public double? Plus { get; init; }

    /// <summary>The seed.</summary>
    [Setting("seed", "Decides the adapter's start, the order of rows and dropout.", Minimum = 0)]
    public long Seed { get; init; }

    /// <summary>The learning rate that is used, and why, where none was given.</summary>
    public double LearningRateFor(string method) => LearningRate ?? (method == "full" ? 2e-5 : 2e-4);
}
