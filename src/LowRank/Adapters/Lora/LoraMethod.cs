using LowRank.Adapters.Dora;
using LowRank.Adapters.Initialization;
using LowRank.Layers;
using LowRank.Quantization;
using static TorchSharp.torch;

namespace LowRank.Adapters.Lora;

/// <summary>LoRA, DoRA where the configuration asks for it, and LoRA that starts from a part of the weight.</summary>
internal sealed class LoraMethod(LoraConfig config) : AdapterMethod
{
    /// <inheritdoc/>
    public override string? Problem(AdapterTarget target) =>
        target.IsParameter && ParameterProblem(target) is { } reason ? reason :
        config.UseDora && target.Module.Kind == ModuleKind.Embedding ? "DoRA on an embedding is not supported yet; leave it out of the targets" :
        config.UseDora && target.TiedTo is not null ? "DoRA on tied weights is not supported yet; leave them out of the targets" :
        config.StartsFromWeight || (config.Initialization == LoraInitialization.LoftQ && target.Module.IsLinear) ? WeightProblem(target) : null;

    // What PEFT refuses too: the update of a parameter is added to it, so that there is no input of its own to drop from.
    private string? ParameterProblem(AdapterTarget target) =>
        config.Dropout > 0 ? "lora_dropout does not go on parameters (target_parameters); set it to 0" :
        config.UseDora ? "DoRA does not go on parameters (target_parameters); set use_dora to false" :
        config.LoraBias ? "lora_bias does not go on parameters (target_parameters); set it to false" :
        target.Module.Kind == ModuleKind.Conv1D ? "a weight of [in, out] cannot be adapted as a parameter; name its module in target_modules" :
        InitializationName.Of(config) is { } start and not "gaussian" ? $"init_lora_weights \"{start}\" does not go on parameters (target_parameters); take true or \"gaussian\"" : null;

    private string? WeightProblem(AdapterTarget target)
    {
        var (module, start) = (target.Module, InitializationName.Of(config));
        if (module.Kind == ModuleKind.Embedding || target.TiedTo is not null) return $"init_lora_weights \"{start}\" does not go on embeddings; leave them out of the targets";
        return target.Rank > Math.Min(module.InFeatures, module.OutFeatures) ? $"a weight of {module.OutFeatures} × {module.InFeatures} has no {target.Rank} directions for init_lora_weights \"{start}\" to start from; lower the rank" : null;
    }

    /// <inheritdoc/>
    public override IEnumerable<(AdapterTensorKind Kind, long[] Shape)> Tensors(AdapterTarget target)
    {
        var module = target.Module;
        var (a, b) = module.Kind == ModuleKind.Embedding ? (AdapterTensorKind.EmbeddingA, AdapterTensorKind.EmbeddingB) : (AdapterTensorKind.LoraA, AdapterTensorKind.LoraB);
        yield return (a, [target.Rank * target.Pairs, module.InFeatures]);
        yield return (b, [module.OutFeatures, target.Rank * target.Pairs]);
        if (config.LoraBias) yield return (AdapterTensorKind.LoraBBias, [module.OutFeatures]);
        if (config.UseDora) yield return (AdapterTensorKind.Magnitude, [module.OutFeatures]);
    }

    /// <inheritdoc/>
    public override ILinearAdapter Create(AdapterTarget target, FrozenLinear frozen, AdapterStart start)
    {
        if (config.StartsFromWeight) return FromWeight(target, frozen, start, null);
        var (a, b, bias) = LoraInitializer.Linear(target, config, start.Generator, frozen.Weight.Device);
        if (config.Initialization == LoraInitialization.LoftQ && frozen.Weight is not DenseWeight) ApproachOriginal(target, frozen.Weight, start, a, b);
        if (!config.UseDora) return new LoraAdapter(a, b, bias, target.Scaling, start.Dropout, config.Dropout, start.Module);
        var norms = new RowNorms(frozen.Weight);
        var magnitude = Parameter(target, AdapterTensorKind.Magnitude, norms.Of(a.Value, b.Value, target.Scaling));
        return new DoraAdapter(a, b, magnitude, norms, target.Scaling, start.Dropout, config.Dropout, start.Module);
    }

    private static void ApproachOriginal(AdapterTarget target, FrozenWeight quantized, AdapterStart start, TrainableParameter a, TrainableParameter b)
    {
        var original = start.Original ?? throw new LoraConfigException($"init_lora_weights: \"loftq\" needs the weights as they were before they were quantized, which are not at hand here ({target.Module.Name}). Load the model from its 16-bit checkpoint and attach the adapter alone.");
        using var scope = NewDisposeScope();
        var (down, up) = LoftQ.OfBase(original(target.Module.Name), quantized, target.Rank, target.Scaling);
        a.Set(down);
        b.Set(up);
    }

    /// <inheritdoc/>
    public override ILinearAdapter Restore(AdapterTarget target, Func<AdapterTensorKind, Tensor> read, FrozenLinear? frozen, AdapterStart start)
    {
        if (config.StartsFromWeight) return FromWeight(target, frozen ?? throw new ArgumentNullException(nameof(frozen), $"{target.Module.Name}: the adapter started from the weight."), start, read);
        TrainableParameter Own(AdapterTensorKind kind) => Parameter(target, kind, read(kind));
        var (a, b) = (Own(AdapterTensorKind.LoraA), Own(AdapterTensorKind.LoraB));
        if (config.UseDora) return new DoraAdapter(a, b, Own(AdapterTensorKind.Magnitude), null, target.Scaling, start.Dropout, config.Dropout, start.Module);
        return new LoraAdapter(a, b, config.LoraBias ? Own(AdapterTensorKind.LoraBBias) : null, target.Scaling, start.Dropout, config.Dropout, start.Module);
    }

    // A new update, or one whose A and B are read; what it started from comes from the weight either way.
    private ResidualLoraAdapter FromWeight(AdapterTarget target, FrozenLinear frozen, AdapterStart start, Func<AdapterTensorKind, Tensor>? read)
    {
        using var scope = NewDisposeScope();
        var (a, b) = InitialUpdate.MatricesOf(frozen.Weight, config, target);
        var initial = new InitialUpdate(a, b);
        if (read is not null) (a, b) = (read(AdapterTensorKind.LoraA), read(AdapterTensorKind.LoraB));
        return new ResidualLoraAdapter(Parameter(target, AdapterTensorKind.LoraA, a), Parameter(target, AdapterTensorKind.LoraB, b), initial, target.Scaling, start.Dropout, config.Dropout, start.Module);
    }
}
