using LowRank.Adapters;
using LowRank.Adapters.AdaLora;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models;
using LowRank.Optimizers;
using static TorchSharp.torch;

namespace LowRank.Training.Methods;

/// <summary>An adapter over the frozen base.</summary>
/// <param name="model">The model, with the adapter attached.</param>
/// <param name="adapter">The adapter.</param>
public sealed class LoraWeights(LanguageModel model, AttachedAdapter adapter) : TrainedWeights(model)
{
    // Where AdaLoRA's settings say nothing: a tenth of the steps before ranks are taken away, and three tenths in which they stay.
    private const double InitialShare = 0.1, FinalShare = 0.3;

    private RankAllocator? ranks;

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

    // What an adapter started from is kept and not computed again: a decomposition on another machine or with other threads rounds otherwise and may turn signs, and then parameters
    // and moments would no longer be those of this update.
    internal override IReadOnlyDictionary<string, Tensor> State => ranks?.State ?? Adapter.InitialUpdates;

    // An adapter from a file has its ranks already; they stay.
    internal override void Begin(FlatParameters flat, long totalSteps)
    {
        if (Adapter.Config is not AdaLoraConfig { RankPattern: null } config) return;
        var steps = checked((int)totalSteps);
        if (config is { TotalSteps: null, InitialSteps: 0, FinalSteps: 0 }) config = config with { InitialSteps = (int)(InitialShare * steps), FinalSteps = (int)(FinalShare * steps) };
        ranks = new RankAllocator(Adapter.Schedule(config with { TotalSteps = steps }), Adapter.AdaLoraModules, flat);
    }

    internal override void AddPenalty() => ranks?.AddPenalty();

    internal override void AfterStep(long step) => ranks?.AfterStep(checked((int)step));

    internal override void Restored() => ranks?.Restored();

    internal override void End()
    {
        ranks?.Dispose();
        ranks = null;
    }
}
