using LowRank.Adapters;

namespace LowRank.Training.Planning;

/// <summary>The memory of a graphics card, as <c>nvidia-smi</c> reports it, and what it is commonly called.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="Title">What it is.</param>
/// <param name="Mebibytes">Its memory in MiB.</param>
public sealed record DeviceMemory(string Name, string Title, long Mebibytes)
{
    // What a process with a CUDA context and cuBLAS occupies before its first tensor: about half a gigabyte on current drivers (nvidia-smi). LowRank has not been measured on a GPU.
    private const long ContextBytes = 500L << 20;

    /// <summary>The dtype of products there: bf16, before Ampere fp16 with fp32 activations, and fp32 before that.</summary>
    internal string Dtype { get; init; } = "bf16";

    /// <summary>Bytes in all.</summary>
    public long Bytes => Mebibytes << 20;

    /// <summary>The cards.</summary>
    public static IReadOnlyList<DeviceMemory> All { get; } =
    [
        new("t4", "Tesla T4, 16 GB", 15360) { Dtype = "fp16" }, new("colab-free", "free Colab: a Tesla T4, 16 GB", 15360) { Dtype = "fp16" }, new("p100", "Tesla P100, 16 GB", 16384) { Dtype = "fp32" },
        new("v100-16", "V100, 16 GB", 16384) { Dtype = "fp16" }, new("v100-32", "V100, 32 GB", 32768) { Dtype = "fp16" },
        new("rtx3060", "GeForce RTX 3060, 12 GB", 12288), new("rtx3080", "GeForce RTX 3080, 10 GB", 10240), new("rtx3090", "GeForce RTX 3090, 24 GB", 24576),
        new("rtx4060", "GeForce RTX 4060, 8 GB", 8188), new("rtx4060ti-16", "GeForce RTX 4060 Ti, 16 GB", 16380), new("rtx4070", "GeForce RTX 4070, 12 GB", 12282), new("rtx4080", "GeForce RTX 4080, 16 GB", 16376),
        new("rtx4090", "GeForce RTX 4090, 24 GB", 24564), new("rtx5090", "GeForce RTX 5090, 32 GB", 32607), new("l4", "L4, 24 GB", 23034), new("a10g", "A10G, 24 GB", 23028), new("a10", "A10, 24 GB", 23028),
        new("a6000", "RTX A6000, 48 GB", 49140), new("l40s", "L40S, 48 GB", 46068), new("a100-40", "A100, 40 GB", 40960), new("a100-80", "A100, 80 GB", 81920), new("h100", "H100, 80 GB", 81559),
        new("h200", "H200, 141 GB", 143771), new("b200", "B200, 180 GB", 183359),
    ];

    /// <summary>A card by its name.</summary>
    /// <exception cref="LowRankException">There is none of that name.</exception>
    public static DeviceMemory Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (All.FirstOrDefault(d => d.Name.Equals(name.Trim(), StringComparison.OrdinalIgnoreCase)) is { } found) return found;
        var near = NearestNames.Of(name.ToLowerInvariant(), All.Select(d => d.Name));
        throw new LowRankException($"--device: there is no \"{name}\" in LowRank's list{(near.Count > 0 ? $"; did you mean {string.Join(" or ", near)}?" : ".")} It has {string.Join(", ", All.Select(d => d.Name))}. For another, give its memory: --memory 12GB.");
    }

    /// <summary>What a process takes on the card before model and step.</summary>
    internal static MemoryPart Context { get; } = new(ContextBytes, "500 MiB of CUDA context and libraries, an estimate");
}
