using LowRank.Quantization;
using LowRank.Training.Planning.Shapes;

namespace LowRank.Training.Planning;

/// <summary>What decides the memory of a run, beside the model.</summary>
public sealed record PlannedRun
{
    /// <summary>What is trained, and in which precisions.</summary>
    public required TrainingRecipe Recipe { get; init; }

    /// <summary>The adapter; null for full fine-tuning.</summary>
    public AdapterShape? Adapter { get; init; }

    /// <summary>Rows that go through the model at once.</summary>
    public required long Rows { get; init; }

    /// <summary>Tokens of a row.</summary>
    public required long Length { get; init; }

    /// <summary>Supervised tokens of the batch; null for all of them.</summary>
    public long? SupervisedTokens { get; init; }

    /// <summary>Layers, from the first, that keep only their input for the backward pass.</summary>
    public long CheckpointedLayers { get; init; }

    /// <summary>Bytes of an activation: 4 for fp32, as always on a CPU, 2 for bf16.</summary>
    public long ComputeBytes { get; init; } = 4;

    /// <summary>Bytes of an operand of matrix products: 2 for 16-bit products of fp32 activations, for which inputs are kept rounded. Null for <see cref="ComputeBytes"/>.</summary>
    public long? ProductBytes { get; init; }

    /// <summary>Bytes of an activation on a GPU whose products are of a dtype: with fp16 activations stay fp32. Null is fp32, as on a processor.</summary>
    internal static long ActivationBytes(string? dtype) => dtype == "bf16" ? 2 : 4;

    /// <summary>Bytes of an operand of products of a dtype; weights that are trained as a whole are multiplied in fp32 where others are in fp16.</summary>
    internal static long OperandBytes(string? dtype, bool isFull) => dtype == "bf16" || dtype == "fp16" && !isFull ? 2 : 4;

    /// <summary>Whether fp32 activations are rounded for each product.</summary>
    internal bool RoundsProducts => HasOwnNodes && ProductBytes is { } bytes && bytes < ComputeBytes;

    /// <summary>Bytes of a base parameter that is not quantized: 2 in 16 bits, 4 for a checkpoint in fp32.</summary>
    public int StoredBytes { get; init; } = 2;

    /// <summary>Whether the adapter's inputs are dropped out, so that each adapted module keeps its own.</summary>
    public bool HasDropout { get; init; }

    /// <summary>Whether rows hold several sequences, so that attention by operations of tensors needs a mask.</summary>
    public bool IsPacked { get; init; }

    /// <summary>The optimizer's state; null for <see cref="TrainingRecipe.MomentBytes"/> a parameter.</summary>
    public OptimizerBytes? Optimizer { get; init; }

    /// <summary>Block size and skipped modules of a 4-bit base; whether its scales are quantized is the recipe's.</summary>
    public FourBitOptions Quantization { get; init; } = new();

    /// <summary>Whether LowRank's own nodes compute norms, attention and gated activations: for fp32 activations. They keep less than operations of tensors do.</summary>
    internal bool HasOwnNodes => ComputeBytes == sizeof(float);

    /// <summary>The process itself; null for LowRank on a CPU.</summary>
    public MemoryPart? Runtime { get; init; }
}
