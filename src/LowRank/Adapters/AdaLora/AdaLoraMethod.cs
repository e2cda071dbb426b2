using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.AdaLora;

/// <summary>AdaLoRA.</summary>
internal sealed class AdaLoraMethod(AdaLoraConfig config) : AdapterMethod
{
    private const double Deviation = 0.02;

    /// <inheritdoc/>
    public override IEnumerable<(AdapterTensorKind Kind, long[] Shape)> Tensors(AdapterTarget target)
    {
        var kept = config.KeptRank(target.Module.Name);
        return [(AdapterTensorKind.AdaLoraA, [kept, target.Module.InFeatures]), (AdapterTensorKind.AdaLoraB, [target.Module.OutFeatures, kept]), (AdapterTensorKind.AdaLoraE, [kept, 1])];
    }

    /// <inheritdoc/>
    public override ILinearAdapter Create(AdapterTarget target, FrozenLinear frozen, AdapterStart start)
    {
        using var scope = NewDisposeScope();
        var kept = config.KeptRank(target.Module.Name);
        Tensor Normal(long rows, long columns) => (randn([rows, columns], ScalarType.Float32, generator: start.Generator) * Scalars.Of(Deviation)).to(frozen.Weight.Device).MoveToOuterDisposeScope();
        return Build(target, start, kind => kind switch
        {
            AdapterTensorKind.AdaLoraA => Normal(kept, target.Module.InFeatures),
            AdapterTensorKind.AdaLoraB => Normal(target.Module.OutFeatures, kept),
            _ => zeros([kept, 1], ScalarType.Float32, frozen.Weight.Device).MoveToOuterDisposeScope(),
        });
    }

    /// <inheritdoc/>
    public override ILinearAdapter Restore(AdapterTarget target, Func<AdapterTensorKind, Tensor> read, FrozenLinear? frozen, AdapterStart start) => Build(target, start, read);

    private AdaLoraAdapter Build(AdapterTarget target, AdapterStart start, Func<AdapterTensorKind, Tensor> value)
    {
        TrainableParameter Own(AdapterTensorKind kind) => Parameter(target, kind, value(kind));
        return new AdaLoraAdapter(Own(AdapterTensorKind.AdaLoraA), Own(AdapterTensorKind.AdaLoraE), Own(AdapterTensorKind.AdaLoraB), target.Scaling, start.Dropout, config.Dropout, start.Module)
        {
            KeptBefore = config.RankPattern?.GetValueOrDefault($"{target.Module.Name}.lora_E"),
        };
    }
}
