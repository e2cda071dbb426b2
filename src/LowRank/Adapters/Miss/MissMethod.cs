using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Miss;

/// <summary>MiSS.</summary>
internal sealed class MissMethod(MissConfig config) : AdapterMethod
{
    /// <inheritdoc/>
    public override string? Problem(AdapterTarget target) => base.Problem(target)
        ?? (config.IsMini && target.Module.OutFeatures % config.MiniRank != 0 ? $"mini_r {config.MiniRank} does not divide its {target.Module.OutFeatures} outputs" : null)
        ?? (config.IsBat && (target.Module.OutFeatures % target.Rank != 0 || target.Module.InFeatures % target.Rank != 0)
            ? $"its weight of {target.Module.OutFeatures} × {target.Module.InFeatures} cannot be cut into blocks of r × r, as init_weights \"bat\" does; take an r that divides both, not {target.Rank}" : null);

    /// <inheritdoc/>
    public override IEnumerable<(AdapterTensorKind Kind, long[] Shape)> Tensors(AdapterTarget target) =>
        [(AdapterTensorKind.MissBlock, config.IsBat ? [target.Module.OutFeatures / target.Rank, target.Rank, target.Rank] : [target.Rank, config.IsMini ? config.MiniRank : target.Module.OutFeatures])];

    /// <inheritdoc/>
    public override ILinearAdapter Create(AdapterTarget target, FrozenLinear frozen, AdapterStart start)
    {
        using var scope = NewDisposeScope();
        var shape = Tensors(target).Single().Shape;
        // Kaiming-uniform with a = √5, as PEFT starts it where it is not to be zero.
        var value = config.StartsFromZero ? zeros(shape, ScalarType.Float32) : (rand(shape, ScalarType.Float32, generator: start.Generator) * Scalars.Of(2) - Scalars.Of(1)) / Scalars.Of(Math.Sqrt(shape[1]));
        return Restore(target, _ => value.to(frozen.Weight.Device).MoveToOuterDisposeScope(), frozen, start);
    }

    /// <inheritdoc/>
    public override ILinearAdapter Restore(AdapterTarget target, Func<AdapterTensorKind, Tensor> read, FrozenLinear? frozen, AdapterStart start)
    {
        var block = Parameter(target, AdapterTensorKind.MissBlock, read(AdapterTensorKind.MissBlock));
        return config.IsBat ? new MissBatAdapter(block) : new MissAdapter(block, target.Module.OutFeatures, start.Dropout, config.Dropout, start.Module);
    }
}
