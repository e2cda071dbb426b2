using LowRank.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Ia3;

/// <summary>(IA)³.</summary>
internal sealed class Ia3Method(Ia3Config config) : AdapterMethod
{
    /// <inheritdoc/>
    public override IEnumerable<(AdapterTensorKind Kind, long[] Shape)> Tensors(AdapterTarget target) =>
        [(AdapterTensorKind.Ia3, ScalesInput(target) ? [1, target.Module.InFeatures] : [target.Module.OutFeatures, 1])];

    /// <inheritdoc/>
    public override ILinearAdapter Create(AdapterTarget target, FrozenLinear frozen, AdapterStart start)
    {
        using var scope = NewDisposeScope();
        var shape = Tensors(target).Single().Shape;
        var value = config.StartsFromOne ? ones(shape, ScalarType.Float32) : randn(shape, ScalarType.Float32, generator: start.Generator);
        return Restore(target, _ => value.to(frozen.Weight.Device).MoveToOuterDisposeScope(), frozen, start);
    }

    /// <inheritdoc/>
    public override ILinearAdapter Restore(AdapterTarget target, Func<AdapterTensorKind, Tensor> read, FrozenLinear? frozen, AdapterStart start) =>
        new Ia3Adapter(Parameter(target, AdapterTensorKind.Ia3, read(AdapterTensorKind.Ia3)), ScalesInput(target));

    // PEFT's rule for names: an expression of the whole name, or plain endings (ia3/model.py, _check_target_module_feedforward).
    private bool ScalesInput(AdapterTarget target) => config.FeedForwardModules switch
    {
        null => false,
        { Kind: ModulePatternKind.Regex } regex => PythonRegex.IsMatch(PythonRegex.FullMatch(regex.Entries[0]), target.Module.Name, regex.Entries[0]),
        var names => names.Any(n => target.Module.Name.EndsWith(n, StringComparison.Ordinal)),
    };
}
