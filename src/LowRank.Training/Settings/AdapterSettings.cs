using LowRank.Adapters;
using LowRank.Quantization;

namespace LowRank.Training.Settings;

/// <summary>What is trained.</summary>
public sealed record AdapterSettings
{
    /// <summary>The method.</summary>
    [Setting("method", "What is trained: a LoRA over the frozen base, a LoRA over the base in 4 bits (qlora), or all weights.", Choices = ["lora", "qlora", "full"])]
    public string Method { get; init; } = "lora";

    /// <summary>The rank.</summary>
    [Setting("rank", "Rank r of the update: parameters and memory of the adapter grow with it.", Minimum = 1)]
    public int Rank { get; init; } = 16;

    /// <summary>Alpha.</summary>
    [Setting("alpha", "Numerator of the scaling alpha/r.", Automatic = "the rank, a scaling of 1")]
    public double? Alpha { get; init; }

    /// <summary>The modules to adapt.</summary>
    [Setting("target", "Modules to adapt: names by comma, a regular expression, or qv, qkv, attention, mlp, all-linear.", Value = "MODULES")]
    public string Target { get; init; } = "all-linear";

    /// <summary>Dropout.</summary>
    [Setting("dropout", "Probability with which an element of the adapter's input is dropped in training.", Minimum = 0, Maximum = 0.99)]
    public double Dropout { get; init; }

    /// <summary>Rank-stabilised scaling.</summary>
    [Setting("rslora", "Scale by alpha/sqrt(r) instead of alpha/r (rsLoRA).")]
    public bool Rslora { get; init; }

    /// <summary>Biases.</summary>
    [Setting("bias", "Which biases of the base are trained too.", Choices = ["none", "all", "lora_only"])]
    public string Bias { get; init; } = "none";

    /// <summary>Modules trained whole.</summary>
    [Setting("modules-to-save", "Modules that are trained whole and stored in the adapter, by comma, such as lm_head.", Value = "MODULES")]
    public string? ModulesToSave { get; init; }

    /// <summary>An adapter to go on from.</summary>
    [Setting("adapter", "Continue this adapter (a folder or a hub id) on new data: rank, alpha and targets are the adapter's, the optimizer is new.", Value = "ADAPTER")]
    public string? Adapter { get; init; }

    /// <summary>The values of 4-bit codes.</summary>
    [Setting("quant-type", "With --method qlora: 4-bit NormalFloat, which fits the distribution of weights, or 4-bit floating point.", Choices = ["nf4", "fp4"])]
    public string QuantType { get; init; } = "nf4";

    /// <summary>Elements that share a scale.</summary>
    [Setting("quant-block", "With --method qlora: weights that share a scale, a power of two from 32 to 4096. Smaller is more exact and larger in memory.", Minimum = FourBitOptions.SmallestBlock, Maximum = FourBitOptions.LargestBlock)]
    public int QuantBlock { get; init; } = 64;

    /// <summary>Quantized scales.</summary>
    [Setting("double-quant", "With --method qlora: quantize the scales too, which saves 0.37 bits per weight.")]
    public bool DoubleQuant { get; init; } = true;

    /// <summary>Modules left as they are.</summary>
    [Setting("quant-skip", "With --method qlora: modules that keep 16 bits, by beginnings or endings of names, by comma. The head always does.", Value = "MODULES")]
    public string? QuantSkip { get; init; }

    /// <summary>The form of the base's matrices, or null where they stay as they are.</summary>
    public FourBitOptions? ToQuantization() => Method != "qlora" ? null
        : new FourBitOptions { Type = FourBitOptions.TypeOf(QuantType), BlockSize = QuantBlock, DoubleQuantization = DoubleQuant, Skip = Names(QuantSkip) };

    private static string[] Names(string? listed) => listed?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    /// <summary>The configuration of a new LoRA.</summary>
    /// <exception cref="LowRankException">The targets are not written in a known way.</exception>
    public LoraConfig ToConfig() => new()
    {
        Rank = Rank,
        Alpha = Alpha ?? Rank,
        Dropout = Dropout,
        UseRslora = Rslora,
        TargetModules = ModulePattern.Parse(Target),
        ModulesToSave = ModulesToSave is null ? null : Names(ModulesToSave),
        Bias = Bias switch { "all" => BiasTraining.All, "lora_only" => BiasTraining.LoraOnly, _ => BiasTraining.None },
    };
}
