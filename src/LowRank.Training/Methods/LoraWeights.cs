using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models;

namespace LowRank.Training.Methods;

/// <summary>A LoRA over the frozen base.</summary>
/// <param name="model">The model, with the adapter attached.</param>
/// <param name="adapter">The adapter.</param>
public sealed class LoraWeights(LanguageModel model, AttachedAdapter adapter) : TrainedWeights(model)
{
    /// <inheritdoc/>
    public override string Method => Model.Quantization is null ? "lora" : "qlora";

    /// <summary>The adapter.</summary>
    public AttachedAdapter Adapter { get; } = adapter;

    /// <inheritdoc/>
    public override IReadOnlyList<TrainableParameter> Parameters => Adapter.Parameters;

    /// <inheritdoc/>
    public override Dropout Dropout => Adapter.Dropout;

    /// <inheritdoc/>
    public override long AllParameters => Model.ParameterCount + Adapter.AddedParameters;

    /// <inheritdoc/>
    public override void WriteInto(AtomicFolder folder, AdapterRecord record) => Adapter.SaveInto(folder.PartialPath, record);
}
