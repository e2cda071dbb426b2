using System.Globalization;
using LowRank.Adapters;
using LowRank.Adapters.Initialization;
using LowRank.Quantization;

namespace LowRank.Training.Settings;

/// <summary>What is trained.</summary>
public sealed record AdapterSettings
{
    /// <summary>The method.</summary>
    [Setting("method", "What is trained: a LoRA over the frozen base, a LoRA over the base in 4 bits (qlora), or all weights.", Choices = ["lora", "qlora", "full"])]
    public string Method { get; init; } = "lora";

    /// <summary>The kind of adapter.</summary>
    [Setting("variant", "The kind of adapter: LoRA; DoRA, which learns lengths and directions of weights apart; AdaLoRA, which shares out ranks among modules; MiSS, which adds up shards of the input; or (IA)3, which scales.", Choices = ["lora", "dora", "adalora", "miss", "ia3"])]
    public string Variant { get; init; } = "lora";

    /// <summary>The rank.</summary>
    [Setting("rank", "Rank r of the update: parameters and memory of the adapter grow with it. With --variant adalora the average rank at the end.", Minimum = 1)]
    public int Rank { get; init; } = 16;

    /// <summary>The rank that AdaLoRA begins with.</summary>
    [Setting("initial-rank", "With --variant adalora: the rank that each module begins with.", Minimum = 1, Automatic = "one and a half times the rank")]
    public int? InitialRank { get; init; }

    /// <summary>Alpha.</summary>
    [Setting("alpha", "Numerator of the scaling alpha/r.", Automatic = "the rank (with adalora the initial one), a scaling of 1")]
    public double? Alpha { get; init; }

    /// <summary>The modules to adapt.</summary>
    [Setting("target", "Modules to adapt: names by comma, a regular expression, or qv, qkv, attention, mlp, all-linear.", Value = "MODULES")]
    public string Target { get; init; } = "all-linear";

    /// <summary>Parameters to adapt.</summary>
    [Setting("target-parameters", "With --variant lora: parameters of a mixture of experts to adapt beside the modules, by comma, such as gate_up_proj,down_proj; all-linear has them already.", Value = "NAMES")]
    public string? TargetParameters { get; init; }

    /// <summary>Dropout.</summary>
    [Setting("dropout", "Probability with which an element of the adapter's input is dropped in training.", Minimum = 0, Maximum = 0.99)]
    public double Dropout { get; init; }

    /// <summary>Rank-stabilised scaling.</summary>
    [Setting("rslora", "Scale by alpha/sqrt(r) instead of alpha/r (rsLoRA).")]
    public bool Rslora { get; init; }

    /// <summary>Whether the finished adapter has its scaling in the matrices.</summary>
    [Setting("portable", "With --variant lora or dora: write the finished adapter with its scaling in B, alpha = r and no rsLoRA, for programs that take alpha/r whatever the configuration says. It computes the same.")]
    public bool Portable { get; init; }

    /// <summary>How the matrices start.</summary>
    [Setting("init", "With --variant lora or dora: how A and B start. default or gaussian: B zero; orthogonal: neither zero, their product zero; pissa, pissa_niter_16 (fast) or olora: from the weight's own directions, saved as a plain LoRA of twice the rank; eva: A from the main directions of the layers' inputs in the data, more rank where they explain more; loftq, with --method qlora: from what quantizing took from the weight. With --variant miss: default or bat, whose update is a product with the weight.", Value = "START")]
    public string Init { get; init; } = "default";

    /// <summary>How far EVA may share out ranks anew.</summary>
    [Setting("eva-rho", "With --init eva: the most that a module's rank may be, as a multiple of --rank; 1 leaves every module its rank.", Minimum = 1, Automatic = "2")]
    public double? EvaRho { get; init; }

    /// <summary>Biases.</summary>
    [Setting("bias", "Which biases of the base are trained too.", Choices = ["none", "all", "lora_only"])]
    public string Bias { get; init; } = "none";

    /// <summary>A bias of B.</summary>
    [Setting("lora-bias", "With --variant lora: train a bias of B too.")]
    public bool LoraBias { get; init; }

    /// <summary>Tokens whose vectors are trained.</summary>
    [Setting("train-tokens", "With --variant lora or dora: numbers of tokens whose embedding vectors are trained whole, by comma, such as new special tokens.", Value = "IDS")]
    public string? TrainTokens { get; init; }

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

    /// <summary>The configuration of a new adapter.</summary>
    /// <exception cref="LowRankException">The targets or tokens are not written in a known way, or a setting is not one of the variant's.</exception>
    public AdapterConfig ToConfig()
    {
        RefuseOthers();
        var start = Start();
        AdapterConfig config = Variant switch
        {
            "adalora" => AdaLora(),
            "miss" => new MissConfig { Rank = Rank, Dropout = Dropout, IsBat = Init == "bat" },
            "ia3" => new Ia3Config(),
            _ => new LoraConfig
            {
                Rank = Rank,
                Alpha = Alpha ?? Rank,
                Dropout = Dropout,
                UseRslora = Rslora,
                UseDora = Variant == "dora",
                LoraBias = LoraBias,
                Initialization = start.Kind,
                PissaIterations = start.Iterations,
                Eva = start.Kind == LoraInitialization.Eva ? new EvaConfig { Rho = EvaRho ?? new EvaConfig().Rho } : null,
                TargetParameters = TargetParameters is null ? null : Names(TargetParameters),
                TrainableTokens = TrainTokens is null ? null : TrainableTokens.Of([.. Names(TrainTokens).Select(Token)]),
            },
        };
        return config with
        {
            TargetModules = ModulePattern.Parse(Target),
            ModulesToSave = ModulesToSave is null ? null : Names(ModulesToSave),
            Bias = Bias switch { "all" => BiasTraining.All, "lora_only" => BiasTraining.LoraOnly, _ => BiasTraining.None },
        };
    }

    private AdaLoraConfig AdaLora()
    {
        var initial = InitialRank ?? (3 * Rank + 1) / 2;
        return new AdaLoraConfig { InitialRank = initial, TargetRank = Rank, Alpha = Alpha ?? initial, Dropout = Dropout };
    }

    // A setting that would do nothing is a mistake of the user's.
    private void RefuseOthers()
    {
        (bool IsSet, string Option, string[] Variants)[] settings =
        [
            (InitialRank is not null, "--initial-rank", ["adalora"]),
            (Alpha is not null, "--alpha", ["lora", "dora", "adalora"]),
            (Dropout > 0, "--dropout", ["lora", "dora", "adalora", "miss"]),
            (Rslora, "--rslora", ["lora", "dora"]),
            (LoraBias, "--lora-bias", ["lora"]),
            (TargetParameters is not null, "--target-parameters", ["lora"]),
            (Portable, "--portable", ["lora", "dora"]),
            (TrainTokens is not null, "--train-tokens", ["lora", "dora"]),
            (Init != "default", "--init", ["lora", "dora", "miss"]),
            (Bias != "none", "--bias", ["lora", "dora", "adalora", "miss"]),
        ];
        foreach (var (isSet, option, variants) in settings)
            if (isSet && !variants.Contains(Variant)) throw new LowRankException($"{option} is not a setting of --variant {Variant}, but of {string.Join(", ", variants)}. Leave it out.");
        if (EvaRho is not null && Init != "eva") throw new LowRankException("--eva-rho belongs to --init eva, which shares out ranks among modules. Leave it out, or take that start.");
        if (Init == "loftq" && Method != "qlora") throw new LowRankException($"--init: \"loftq\" makes up for what quantizing took from the weights, and with --method {Method} nothing is quantized. Take --method qlora, or another start.");
        if (Variant != "miss") return;
        if (Init is not ("default" or "bat")) throw new LowRankException($"--init: \"{Init}\" is no start of MiSS; there are default and bat.");
        if (Init == "bat" && Dropout > 0) throw new LowRankException("--dropout has no effect with --init bat, whose update is a part of the weight. Leave it out.");
    }

    private (LoraInitialization Kind, int? Iterations) Start() => Init == "default" || Variant == "miss" ? default : InitializationName.Parse(Init)
        ?? throw new LowRankException($"--init: \"{Init}\" is no start of LoRA; there are default, gaussian, orthogonal, pissa, pissa_niter_N (such as pissa_niter_16), olora, eva and loftq (over 4 bits).");

    private static int Token(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var token) ? token
        : throw new LowRankException($"--train-tokens: \"{text}\" is not the number of a token. Give numbers with commas, such as 49152,49153.");
}
