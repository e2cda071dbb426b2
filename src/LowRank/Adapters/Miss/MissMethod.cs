using LowRank.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Miss;

/// <summary>MiSS.</summary>
internal sealed class MissMethod(MissConfig config) : AdapterMethod
{
    /// <inheritdoc/>
    public override string? Problem(AdapterTarget target) => base.Problem(target)
        ?? (config.IsMini && target.Module.OutFeatures % config.MiniRank != 0 ? $"mini_r {config.MiniRank} does not divide its {target.Module.OutFeatures} outputs" : null);

    /// <inheritdoc/>
    public override IEnumerable<(AdapterTensorKind Kind, long[] Shape)> Tensors(AdapterTarget target) =>
        [(AdapterTensorKind.MissBlock, [target.Rank, config.IsMini ? config.MiniRank : target.Module.OutFeatures])];

    /// <inheritdoc/>
    public override ILinearAdapter Create(AdapterTarget target, FrozenLinear frozen, AdapterStart start)
    {
        using var scope = NewDisposeScope();
        var shape = Tensors(target).Single().Shape;
        // Kaiming-uniform with a = √5, as PEFT starts it where it is not to be zero.
        var value = config.StartsFromZero ? zeros(shape, ScalarType.Float32) : (rand(shape, ScalarType.Float32, generator: start.Generator) * 2 - 1) / Math.Sqrt(shape[1]);
        return Restore(target, _ => value.to(frozen.Weight.Device).MoveToOuterDisposeScope(), frozen, start);
    }

    /// <inheritdoc/>
    public override ILinearAdapter Restore(AdapterTarget target, Func<AdapterTensorKind, Tensor> read, FrozenLinear? frozen, AdapterStart start) =>
        new MissAdapter(Parameter(target, AdapterTensorKind.MissBlock, read(AdapterTensorKind.MissBlock)), target.Module.OutFeatures, start.Dropout, config.Dropout, start.Module);
}
