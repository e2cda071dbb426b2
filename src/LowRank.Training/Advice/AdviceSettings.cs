using LowRank.Training.Settings;

namespace LowRank.Training.Advice;

/// <summary>What <c>lowrank advise</c> is asked.</summary>
public sealed record AdviceSettings
{
    /// <summary>The data.</summary>
    [Setting("data", "The training data: its rows, lengths and learned tokens decide rank, length and epochs.", Value = "FILE")]
    public string? Data { get; init; }

    /// <summary>Rows of the data.</summary>
    [Setting("examples", "Rows of the data, where there is no file.", Minimum = 1)]
    public long? Examples { get; init; }

    /// <summary>Tokens of a row.</summary>
    [Setting("length", "Tokens of a row, where there is no file.", Minimum = 2)]
    public int Length { get; init; } = 512;

    /// <summary>What it is for.</summary>
    [Setting("purpose", "What the model is for.", Choices = ["prototype", "personal", "production"])]
    public string Purpose { get; init; } = "personal";

    /// <summary>The memory.</summary>
    [Setting("memory", "The memory there is, such as 8GB (10⁹ bytes) or 8GiB (2³⁰).", Value = "SIZE", Automatic = "that of --device, else what is free on this machine")]
    public string? Memory { get; init; }

    /// <summary>A graphics card.</summary>
    [Setting("device", "A graphics card by name, as for plan: t4, colab-free, rtx4090, a100-40, h100 and others.", Value = "NAME")]
    public string? Device { get; init; }
}
