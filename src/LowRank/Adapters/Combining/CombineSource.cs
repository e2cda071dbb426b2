using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Combining;

/// <summary>One of the adapters that are combined: its folder, and the modules that it has matrices for.</summary>
internal sealed class CombineSource(WeightedAdapter adapter, AdapterFolder folder, LoraConfig config)
{
    private readonly TargetMatcher? matcher = config.TargetModules?.Kind is ModulePatternKind.Names or ModulePatternKind.Regex ? new TargetMatcher(config) : null;

    /// <summary>What to call it.</summary>
    public string Name => adapter.Name;

    /// <summary>The factor of its update.</summary>
    public double Weight => adapter.Weight;

    /// <summary>The folder.</summary>
    public AdapterFolder Folder => folder;

    /// <summary>Its configuration.</summary>
    public LoraConfig Config => config;

    /// <summary>By module: rank and widths as the file has them.</summary>
    public Dictionary<string, (int Rank, long In, long Out, bool IsEmbedding)> Modules { get; } = new(StringComparer.Ordinal);

    /// <summary>Names of the copies of frozen weights in the file.</summary>
    public List<string> Copies { get; } = [];

    /// <summary>Finds the modules, and all that cannot be combined.</summary>
    public void Examine(List<string> problems)
    {
        void Problem(string text) => problems.Add($"{Name}: {text}");
        if (config.UseDora) Problem("use_dora is true; the lengths of DoRA's rows are not linear in A and B, so it cannot be combined. Merge it into the model");
        if (config.Bias != BiasTraining.None) Problem("it trains biases of the base (bias), which have no weighted sum of adapters");
        if (config.TargetParameters is not null) Problem("it adapts parameters of experts (target_parameters), which are not combined. Merge it into the model");
        if (config.LoraBias) Problem("B has a bias (lora_bias), which is not combined");
        if (config.ModulesToSave is { Count: > 0 } saved) Problem($"it holds whole modules ({string.Join(", ", saved)}; modules_to_save), which are not combined");
        if (config.TrainableTokens is not null) Problem("it holds trained rows of tokens (trainable_token_indices), which are not combined");
        if (matcher is null) Problem("target_modules does not name modules");
        if (!double.IsFinite(Weight)) Problem($"its weight {Weight} is not a finite number");
        var before = problems.Count;
        foreach (var tensor in folder.Weights.Tensors)
        {
            if (AdapterKeys.ToName(tensor.Name) is not { } name)
            {
                Problem($"{tensor.Name} is no key of PEFT, which begin with {AdapterKeys.Prefix}");
                continue;
            }
            var (kind, module) = AdapterKeys.Parse(name);
            if (kind is AdapterTensorKind.BaseCopy) Copies.Add(name);
            if (kind is not (AdapterTensorKind.LoraA or AdapterTensorKind.EmbeddingA)) continue;
            var isEmbedding = kind == AdapterTensorKind.EmbeddingA;
            var other = AdapterKeys.ToKey(AdapterKeys.NameOf(module, isEmbedding ? AdapterTensorKind.EmbeddingB : AdapterTensorKind.LoraB));
            if (!folder.Weights.TryGet(other, out var b)) Problem($"{other} is missing");
            else if (tensor.Shape.Length != 2 || b.Shape.Length != 2 || tensor.Shape[0] != b.Shape[1]) Problem($"{tensor.Name} {tensor.ShapeText} and {other} {b.ShapeText} do not fit each other");
            else
            {
                var rank = (int)tensor.Shape[0];
                Modules[module] = (rank, tensor.Shape[1], b.Shape[0], isEmbedding);
                if (matcher?.NumbersFor(module).Rank is { } told && told != rank) Problem($"{tensor.Name} has rank {rank}, adapter_config.json says {told}");
            }
        }
        if (Modules.Count == 0 && problems.Count == before) Problem("the file has no matrices of LoRA");
    }

    /// <summary>The factor of B A in its update of a module.</summary>
    public double ScalingOf(string module)
    {
        var (rank, alpha) = matcher!.NumbersFor(module);
        return config.Scaling(rank, alpha);
    }

    /// <summary>A <c>[rank, in]</c> and B <c>[out, rank]</c> of a module, fp32.</summary>
    public (Tensor A, Tensor B) Read(string module)
    {
        var (rank, inFeatures, outFeatures, isEmbedding) = Modules[module];
        return (Read(module, isEmbedding ? AdapterTensorKind.EmbeddingA : AdapterTensorKind.LoraA, rank, inFeatures),
            Read(module, isEmbedding ? AdapterTensorKind.EmbeddingB : AdapterTensorKind.LoraB, outFeatures, rank));
    }

    private Tensor Read(string module, AdapterTensorKind kind, long rows, long columns)
    {
        var value = empty(rows, columns, ScalarType.Float32);
        var key = AdapterKeys.ToKey(AdapterKeys.NameOf(module, kind));
        return folder.TryRead(key, MemoryMarshal.Cast<byte, float>(value.bytes)) ? value : throw new AdapterException(folder.Path, $"{key} is missing.");
    }
}
