using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models;
using static TorchSharp.torch;

namespace LowRank.Training.Methods;

/// <summary>An adapter that stands beside others over one base.</summary>
/// <param name="model">The model, which holds it by name.</param>
/// <param name="name">Its name.</param>
/// <param name="parameters">Its parameters.</param>
public sealed class HeldAdapterWeights(LanguageModel model, string name, IReadOnlyList<TrainableParameter> parameters) : TrainedWeights(model)
{
    /// <inheritdoc/>
    public override string Method => Model.Quantization is null ? "lora" : "qlora";

    /// <inheritdoc/>
    public override IReadOnlyList<TrainableParameter> Parameters => parameters;

    /// <inheritdoc/>
    public override long AllParameters => Model.ParameterCount + parameters.Sum(p => p.Count);

    internal override IReadOnlyDictionary<string, Tensor> State => Model.Adapters!.InitialUpdatesOf(name);

    /// <inheritdoc/>
    public override void WriteInto(AtomicFolder folder, AdapterRecord record) => Model.Adapters!.SaveInto(name, folder.PartialPath, record);
}
