using LowRank.Training.Settings;

namespace LowRank.Training.Benchmarks;

/// <summary>What <c>lowrank bench</c> measures.</summary>
public sealed record BenchmarkSettings
{
    /// <summary>The model.</summary>
    [Setting("model", "The base model: a Hugging Face folder, a .gguf file or a hub id.", Value = "MODEL")]
    public string? Model { get; init; }

    /// <summary>A well-known model.</summary>
    [Setting("shape", "Random weights of the sizes of a well-known model, such as qwen2.5-0.5b, instead of --model.", Value = "NAME")]
    public string? Shape { get; init; }

    /// <summary>What is measured.</summary>
    [Setting("measure", "The training step, generation after a prompt, or many adapters over one base.", Choices = ["training", "generation", "adapters"])]
    public string Measure { get; init; } = "training";

    /// <summary>The method.</summary>
    [Setting("method", "What is trained.", Choices = ["lora", "qlora", "full"])]
    public string Method { get; init; } = "lora";

    /// <summary>Rows.</summary>
    [Setting("batch", "Rows of a batch.", Minimum = 1)]
    public int Batch { get; init; } = 4;

    /// <summary>Tokens of a row.</summary>
    [Setting("length", "Tokens of a row.", Minimum = 2)]
    public int Length { get; init; } = 512;

    /// <summary>The kind of adapter.</summary>
    [Setting("variant", "The kind of adapter, as for train.", Choices = ["lora", "dora", "adalora", "miss", "ia3"])]
    public string Variant { get; init; } = "lora";

    /// <summary>The rank.</summary>
    [Setting("rank", "Rank of the adapter.", Minimum = 1)]
    public int Rank { get; init; } = 16;

    /// <summary>Adapters in memory.</summary>
    [Setting("adapters", "With --measure adapters: how many stand over the base.", Minimum = 1)]
    public int Adapters { get; init; } = 100;

    /// <summary>The targets.</summary>
    [Setting("target", "Modules to adapt, as for train.", Value = "MODULES")]
    public string Target { get; init; } = "all-linear";

    /// <summary>The compute dtype.</summary>
    [Setting("dtype", "The dtype of matrix products.", Choices = ["fp32", "bf16", "fp16"], Automatic = "the faster of fp32 and bf16 at the model's sizes on this processor, measured once; on a GPU bf16, or fp16 before Ampere")]
    public string? Dtype { get; init; }

    /// <summary>The device.</summary>
    [Setting("device", "Where the model computes: cpu, cuda (the first GPU) or cuda:N.", Value = "NAME", Automatic = "a GPU where there is one")]
    public string? Device { get; init; }

    /// <summary>Checkpointing.</summary>
    [Setting("checkpointing", "Compute the activations of all layers again in the backward pass (full), or of none.", Choices = ["none", "full"])]
    public string Checkpointing { get; init; } = "none";

    /// <summary>Steps.</summary>
    [Setting("steps", "Steps measured after one of warm-up; the median counts.", Minimum = 1)]
    public int Steps { get; init; } = 5;

    /// <summary>Whether the machine's mean speed is measured too.</summary>
    [Setting("sustained", "After the steps (tokens with --measure generation) as many again, with matrix products (sums over memory) between them: the speed beside what the machine gave over that time, where the peak is its best moment.")]
    public bool Sustained { get; init; }

    /// <summary>Threads.</summary>
    [Setting("threads", "Threads of the tensor library.", Minimum = 1, Automatic = "all processors")]
    public int? Threads { get; init; }
}
