using LowRank.Adapters.Dora;
using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Adapters.Lora;

/// <summary>LoRA, and DoRA where the configuration asks for it.</summary>
internal sealed class LoraMethod(LoraConfig config) : AdapterMethod
{
    /// <inheritdoc/>
    public override string? Problem(AdapterTarget target) =>
        config.UseDora && target.Module.Kind == ModuleKind.Embedding ? "DoRA on an embedding is not supported yet; leave it out of the targets" :
        config.UseDora && target.TiedTo is not null ? "DoRA on tied weights is not supported yet; leave them out of the targets" : null;

    /// <inheritdoc/>
    public override IEnumerable<(AdapterTensorKind Kind, long[] Shape)> Tensors(AdapterTarget target)
    {
        var module = target.Module;
        var (a, b) = module.Kind == ModuleKind.Embedding ? (AdapterTensorKind.EmbeddingA, AdapterTensorKind.EmbeddingB) : (AdapterTensorKind.LoraA, AdapterTensorKind.LoraB);
        yield return (a, [target.Rank, module.InFeatures]);
        yield return (b, [module.OutFeatures, target.Rank]);
        if (config.LoraBias) yield return (AdapterTensorKind.LoraBBias, [module.OutFeatures]);
        if (config.UseDora) yield return (AdapterTensorKind.Magnitude, [module.OutFeatures]);
    }

    /// <inheritdoc/>
    public override ILinearAdapter Create(AdapterTarget target, FrozenLinear frozen, AdapterStart start)
    {
        var (a, b, bias) = LoraInitializer.Linear(target, config, start.Generator, frozen.Weight.Device);
        if (!config.UseDora) return new LoraAdapter(a, b, bias, target.Scaling, start.Dropout, config.Dropout, start.Module);
        var norms = new RowNorms(frozen.Weight);
        var magnitude = Parameter(target, AdapterTensorKind.Magnitude, norms.Of(a.Value, b.Value, target.Scaling));
        return new DoraAdapter(a, b, magnitude, norms, target.Scaling, start.Dropout, config.Dropout, start.Module);
    }

    /// <inheritdoc/>
    public override ILinearAdapter Restore(AdapterTarget target, Func<AdapterTensorKind, Tensor> read, AdapterStart start)
    {
        TrainableParameter Own(AdapterTensorKind kind) => Parameter(target, kind, read(kind));
        var (a, b) = (Own(AdapterTensorKind.LoraA), Own(AdapterTensorKind.LoraB));
        if (config.UseDora) return new DoraAdapter(a, b, Own(AdapterTensorKind.Magnitude), null, target.Scaling, start.Dropout, config.Dropout, start.Module);
        return new LoraAdapter(a, b, config.LoraBias ? Own(AdapterTensorKind.LoraBBias) : null, target.Scaling, start.Dropout, config.Dropout, start.Module);
    }
}
