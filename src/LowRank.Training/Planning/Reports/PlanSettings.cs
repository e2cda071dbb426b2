using LowRank.Training.Settings;

namespace LowRank.Training.Planning.Reports;

/// <summary>What <c>lowrank plan</c> is asked.</summary>
public sealed record PlanSettings
{
    /// <summary>The ranks.</summary>
    [Setting("rank", "Ranks of the adapter, by comma; each is a row.", Value = "RANKS")]
    public string Rank { get; init; } = "16";

    /// <summary>The modules to adapt.</summary>
    [Setting("target", "Modules to adapt, as for train.", Value = "MODULES")]
    public string Target { get; init; } = "all-linear";

    /// <summary>Rows of a batch.</summary>
    [Setting("batch", "Rows that go through the model at once; --accumulate of train makes steps of more.", Minimum = 1)]
    public int Batch { get; init; } = 1;

    /// <summary>What is learned.</summary>
    [Setting("objective", "What is learned, as for train: rows of dpo, orpo and simpo are pairs, which take twice the rows of a batch; dpo and kto compare with the base, which costs time.", Choices = ["sft", "dpo", "orpo", "simpo", "kto"])]
    public string Objective { get; init; } = "sft";

    /// <summary>Tokens of a row.</summary>
    [Setting("length", "Tokens of a row; of a pair, of each answer with its prompt.", Minimum = 2, Automatic = "the longest row of --data, at most 2048; else 512")]
    public int? Length { get; init; }

    /// <summary>The dtype of matrix products.</summary>
    [Setting("dtype", "The dtype of matrix products; activations are bf16 with bf16 and fp32 else.", Choices = ["fp32", "bf16", "fp16"], Automatic = "fp32; with --device bf16, or fp16 where the card has no units for that")]
    public string? Dtype { get; init; }

    /// <summary>The memory.</summary>
    [Setting("memory", "The memory there is, such as 8GB (10⁹ bytes) or 8GiB (2³⁰).", Value = "SIZE", Automatic = "that of --device, else what is free on this machine")]
    public string? Memory { get; init; }

    /// <summary>A graphics card.</summary>
    [Setting("device", "A graphics card by name: t4, colab-free, rtx4090, a100-40, a100-80, h100 and others.", Value = "NAME")]
    public string? Device { get; init; }

    /// <summary>The data.</summary>
    [Setting("data", "A data file: it gives the length of rows and the amount of work.", Value = "FILE")]
    public string? Data { get; init; }

    /// <summary>Tokens of the data.</summary>
    [Setting("tokens", "Tokens of the data, where there is no file.", Minimum = 1)]
    public long? Tokens { get; init; }

    /// <summary>Rows of the data.</summary>
    [Setting("examples", "Rows of the data, where there is no file; each counts as --length tokens.", Minimum = 1)]
    public long? Examples { get; init; }

    /// <summary>Passes over the data.</summary>
    [Setting("epochs", "Passes over the data, for the hours.", Minimum = 0)]
    public double Epochs { get; init; } = 3;

    /// <summary>The speed of this machine.</summary>
    [Setting("gflops", "Speed of this machine's matrix product in GFLOP/s, for the hours.", Minimum = 0.001, Automatic = "measured, in about a second")]
    public double? Gflops { get; init; }
}
