using LowRank.Adapters.Initialization;
using LowRank.Adapters.Lora;
using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Adapters.Experts;

/// <summary>
/// LoRA on a parameter of all experts of a layer (PEFT's <c>target_parameters</c>): each expert has a pair of matrices, and those of all stand in one A <c>[experts · r, in]</c>, one expert's
/// rows together, and one B <c>[out, r · experts]</c>, whose columns have the expert's number running fastest. Each expert's layers get an update that reads its part.
/// </summary>
public sealed class ExpertsAdapter : IDisposable
{
    private readonly TrainableParameter a;
    private readonly TrainableParameter b;
    private readonly ExpertMatrices matrices;

    /// <summary>Puts new updates into the slots of the experts.</summary>
    internal ExpertsAdapter(ExpertsSlot slot, AdapterTarget target, LoraConfig config, Generator generator)
    {
        var first = (FrozenLinear)slot.Experts[0][0].Module;
        (a, b, _) = LoraInitializer.Linear(target, config, generator, first.Weight.Device);
        Parameters = [a, b];
        matrices = new ExpertMatrices(() => a.Value, () => b.Value, slot.Experts.Count, slot.Experts[0].Count);
        for (var expert = 0; expert < slot.Experts.Count; expert++)
            for (var part = 0; part < slot.Experts[expert].Count; part++)
            {
                var place = slot.Experts[expert][part];
                place.Module = new AdaptedLinear((FrozenLinear)place.Module, matrices.UpdateOf(expert, part, target));
            }
    }

    /// <summary>A and B.</summary>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>
    /// Cuts A and B into the parts of the experts, once for a pass through the layer with gradients: these then come together in one operation. Until the result is disposed the updates read
    /// these parts. Null without gradients.
    /// </summary>
    internal IDisposable? Cut() => matrices.Cut();

    /// <inheritdoc/>
    public void Dispose()
    {
        a.Dispose();
        b.Dispose();
    }
}
