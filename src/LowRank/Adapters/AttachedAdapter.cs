using LowRank.Adapters.Lora;
using LowRank.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>
/// A LoRA that stands in the slots of a model: its parameters, its tensors under PEFT's names, and the way back. Not thread-safe, as the model is not.
/// Disposing it puts the base model back.
/// </summary>
public sealed class AttachedAdapter : IDisposable
{
    private readonly IReadOnlyList<ModuleSlot> slots;

    internal AttachedAdapter(IReadOnlyList<ModuleSlot> slots, TargetSelection selection, Dropout dropout, IReadOnlyList<TrainableParameter> parameters)
    {
        (this.slots, Selection, Dropout, Parameters) = (slots, selection, dropout, parameters);
    }

    /// <summary>The modules that were chosen, and the configuration as it is saved.</summary>
    public TargetSelection Selection { get; }

    /// <summary>The configuration, with targets written out.</summary>
    public LoraConfig Config => Selection.Config;

    /// <summary>Everything that is trained, each once, in the model's order.</summary>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>The source of dropout masks.</summary>
    public Dropout Dropout { get; }

    /// <summary>
    /// Shows the base model until the returned scope is disposed, then the adapter again. Trained biases and modules saved whole stay in use:
    /// they are not an addition that could be left out; so with them this is not the base model, and <see cref="CanShowBase"/> says so.
    /// </summary>
    public IDisposable Disable()
    {
        Switch(false);
        return new Scope(() => Switch(true));
    }

    /// <summary>Whether <see cref="Disable"/> shows the base model exactly.</summary>
    public bool CanShowBase => Config.Bias == BiasTraining.None && Selection.ModulesToSave.Count == 0;

    /// <summary>The tensors of the adapter file, in the model's order.</summary>
    public IEnumerable<AdapterTensor> Tensors()
    {
        foreach (var slot in slots)
        {
            switch (slot)
            {
                case LinearSlot { Module: AdaptedLinear { Adapter: LoraAdapter lora } adapted } linear:
                    var (a, b) = lora.Matrices();
                    yield return new AdapterTensor($"{slot.Name}.lora_A.weight", a);
                    yield return new AdapterTensor($"{slot.Name}.lora_B.weight", b);
                    if (lora.Bias is { } bias) yield return new AdapterTensor($"{slot.Name}.lora_B.bias", bias.Value.detach());
                    if (adapted.Frozen.TrainedBias is { } trained) yield return new AdapterTensor(trained.Name, trained.Value.detach());
                    if (linear.IsHead) yield return new AdapterTensor($"{slot.Name}.base_layer.weight", adapted.Frozen.Weight.Dequantize(0, adapted.Frozen.OutFeatures), IsBaseCopy: true);
                    break;
                case LinearSlot { Module: FrozenLinear { TrainedBias: { } only } }:
                    yield return new AdapterTensor(only.Name, only.Value.detach());
                    break;
                case LinearSlot { Module: TrainedLinear whole }:
                    yield return new AdapterTensor($"{slot.Name}.weight", whole.Weight.Value.detach());
                    if (whole.Bias is { } wholeBias) yield return new AdapterTensor($"{slot.Name}.bias", wholeBias.Value.detach());
                    break;
                case EmbeddingSlot { Module: AdaptedEmbedding table }:
                    yield return new AdapterTensor($"{slot.Name}.lora_embedding_A", table.Adapter.A.Value.detach());
                    yield return new AdapterTensor($"{slot.Name}.lora_embedding_B", table.Adapter.B.Value.detach());
                    yield return new AdapterTensor($"{slot.Name}.base_layer.weight", table.Frozen.Weight.Dequantize(0, table.Rows), IsBaseCopy: true);
                    break;
                case EmbeddingSlot { Module: TrainedEmbedding saved }:
                    yield return new AdapterTensor($"{slot.Name}.weight", saved.Weight.Value.detach());
                    break;
                case NormSlot { Module.Trained: { } norm }:
                    yield return new AdapterTensor(norm.Name, norm.Value.detach());
                    break;
            }
        }
    }

    /// <summary>
    /// The weights and biases of the base that merging changes, by their names in the checkpoint, one after another: fp32 tensors that the caller disposes.
    /// </summary>
    public IEnumerable<(string Name, Tensor Value)> MergedTensors()
    {
        foreach (var slot in slots)
        {
            switch (slot)
            {
                case LinearSlot { Module: AdaptedLinear adapted }:
                    yield return ($"{slot.Name}.weight", Sum(adapted.Frozen.Weight.Dequantize(0, adapted.OutFeatures), adapted.Adapter.Delta()));
                    if (adapted.Adapter.BiasDelta() is { } biasDelta)
                        yield return ($"{slot.Name}.bias", Sum(adapted.Frozen.Bias?.detach().to(ScalarType.Float32, copy: true) ?? zeros(adapted.OutFeatures), biasDelta));
                    else if (adapted.Frozen.TrainedBias is { } trained) yield return ($"{slot.Name}.bias", trained.Value.detach().clone());
                    break;
                case LinearSlot { Module: FrozenLinear { TrainedBias: { } only } }:
                    yield return ($"{slot.Name}.bias", only.Value.detach().clone());
                    break;
                case LinearSlot { Module: TrainedLinear whole }:
                    yield return ($"{slot.Name}.weight", whole.Weight.Value.detach().clone());
                    if (whole.Bias is { } wholeBias) yield return ($"{slot.Name}.bias", wholeBias.Value.detach().clone());
                    break;
                case EmbeddingSlot { Module: AdaptedEmbedding table }:
                    yield return ($"{slot.Name}.weight", Sum(table.Frozen.Weight.Dequantize(0, table.Rows), table.Adapter.Delta()));
                    break;
                case EmbeddingSlot { Module: TrainedEmbedding saved }:
                    yield return ($"{slot.Name}.weight", saved.Weight.Value.detach().clone());
                    break;
                case NormSlot { Module.Trained: { } norm }:
                    yield return (norm.Name, norm.Value.detach().clone());
                    break;
            }
        }
    }

    private static Tensor Sum(Tensor into, Tensor delta)
    {
        using (delta) return into.add_(delta);
    }

    private void Switch(bool enabled)
    {
        foreach (var slot in slots)
        {
            if (slot is LinearSlot { Module: AdaptedLinear adapted }) adapted.Enabled = enabled;
            if (slot is EmbeddingSlot { Module: AdaptedEmbedding table }) table.Enabled = enabled;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var slot in slots)
        {
            switch (slot)
            {
                case LinearSlot linear:
                    var frozen = linear.FrozenBase();
                    if (linear.Module is AdaptedLinear adapted) adapted.Adapter.Dispose();
                    if (linear.Module is TrainedLinear whole) whole.DisposeParameters();
                    frozen.FreezeBias();
                    linear.Module = frozen;
                    break;
                case EmbeddingSlot embedding:
                    var table = embedding.FrozenBase();
                    if (embedding.Module is AdaptedEmbedding low) low.Adapter.Dispose();
                    if (embedding.Module is TrainedEmbedding saved) saved.Weight.Dispose();
                    embedding.Module = table;
                    break;
                case NormSlot norm:
                    norm.Module.Freeze();
                    break;
            }
        }
    }

    private sealed class Scope(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
