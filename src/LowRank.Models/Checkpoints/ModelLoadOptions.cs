using LowRank.Models.Hub;
using LowRank.Quantization;
using LowRank.Runtime;
using TorchSharp;

namespace LowRank.Models.Checkpoints;

/// <summary>How a model is loaded.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>The dtype of matrix products: fp32, bf16, or on a GPU fp16; activations stay fp32 on the CPU, and with fp16. Default fp32. Weights stay in the dtype of the file.</summary>
    public torch.ScalarType ComputeType { get; init; } = torch.ScalarType.Float32;

    /// <summary>Where the model computes. Default null: what <see cref="ComputeDevice.Find"/> chooses, a GPU where there is one.</summary>
    public torch.Device? Device { get; init; }

    /// <summary>Threads of the tensor library. Default null: as it is.</summary>
    public int? Threads { get; init; }

    /// <summary>
    /// Store the linear layers in 4 bits, quantized one by one while loading; null keeps them as the checkpoint has them. The token table and the head
    /// stay as they are. A checkpoint that is in 4 bits already keeps its own form.
    /// </summary>
    public FourBitOptions? Quantization { get; init; }

    /// <summary>Where models come from that are named by a hub id. Default null: what the environment says, as for Python's huggingface_hub.</summary>
    public HubOptions? Hub { get; init; }

    /// <summary>Is told what is being done, a line at a time.</summary>
    public Action<string>? Progress { get; init; }

    /// <summary>What the model is called where its path was found before; adapters name it as their base. Null: as it is loaded by.</summary>
    internal string? Name { get; init; }

    /// <summary>The tokenizer and the template, where they were loaded before the weights; null loads them too.</summary>
    internal ModelText? Text { get; init; }
}
