using LowRank.Models.Hub;

namespace LowRank.Training.Settings;

/// <summary>Which model, and how it computes.</summary>
public sealed record ModelSettings
{
    /// <summary>The base model.</summary>
    [Setting("model", "The base model: a Hugging Face folder, a .gguf file or a hub id such as org/name.", Value = "MODEL", Required = true)]
    public string Model { get; init; } = "";

    /// <summary>The revision of the base model.</summary>
    [Setting("revision", "The revision of a model named by a hub id: a branch, a tag or a commit; the same as MODEL@REVISION.", Value = "REVISION")]
    public string? Revision { get; init; }

    /// <summary>The dtype of matrix products.</summary>
    [Setting("dtype", "The dtype of matrix products; adapters, optimizer, norms and sums are always fp32.", Choices = ["fp32", "bf16", "fp16"], Automatic = "the faster of fp32 and bf16 at the model's sizes on this processor, measured once; on a GPU bf16, or fp16 before Ampere")]
    public string? Dtype { get; init; }

    /// <summary>Where the run computes.</summary>
    [Setting("device", "Where the run computes: cpu, cuda (the first GPU) or cuda:N.", Value = "NAME", Automatic = "a GPU where there is one")]
    public string? Device { get; init; }

    /// <summary>Threads of the tensor library.</summary>
    [Setting("threads", "Threads of the tensor library. A run is repeated exactly only with the same number.", Minimum = 1, Automatic = "all processors")]
    public int? Threads { get; init; }

    /// <summary>The base model with its revision.</summary>
    /// <exception cref="LowRankException">There is a revision, but the model is no hub id.</exception>
    internal string Name() => HubId.WithRevision(Model, Revision);
}
