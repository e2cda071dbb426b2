using LowRank.Adapters;
using LowRank.Adapters.AdaLora;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models;
using LowRank.Optimizers;
using LowRank.Optimizers.Preconditioning;
using LowRank.Training.Checkpoints;
using static TorchSharp.torch;

namespace LowRank.Training.Methods;

/// <summary>An adapter over the frozen base.</summary>
/// <param name="model">The model, with the adapter attached.</param>
/// <param name="adapter">The adapter.</param>
public sealed class LoraWeights(LanguageModel model, AttachedAdapter adapter) : TrainedWeights(model)
{
    // Where AdaLoRA's settings say nothing: a tenth of the steps before ranks are taken away, and three tenths in which they stay.
    private const double InitialShare = 0.1, FinalShare = 0.3;

    private readonly Dictionary<string, Tensor> frozen = new(StringComparer.Ordinal);
    private RankAllocator? ranks;

    /// <inheritdoc/>
    public override string Method => Model.Quantization is null ? "lora" : "qlora";

    /// <summary>The adapter.</summary>
    public AttachedAdapter Adapter { get; } = adapter;

    /// <inheritdoc/>
    public override IReadOnlyList<TrainableParameter> Parameters => frozen.Count == 0 ? Adapter.Parameters : [.. Adapter.Parameters.Where(p => !p.IsFrozen)];

    /// <inheritdoc/>
    public override Dropout Dropout => Adapter.Dropout;

    /// <inheritdoc/>
    public override long AllParameters => Model.ParameterCount + Adapter.AddedParameters;

    /// <inheritdoc/>
    public override void WriteInto(AtomicFolder folder, AdapterRecord record) => Adapter.SaveInto(folder.PartialPath, record);

    // What an adapter started from is kept and not computed again: a decomposition on another machine or with other threads rounds otherwise and may turn signs, and then parameters
    // and moments would no longer be those of this update. So are matrices that are not trained.
    internal override IReadOnlyDictionary<string, Tensor> State => ranks?.State ?? (frozen.Count == 0 ? Adapter.InitialUpdates : Adapter.InitialUpdates.Concat(frozen).ToDictionary());

    internal override IReadOnlyList<LoraPair> Prepare(GradientPreconditioning preconditioning)
    {
        if (preconditioning == GradientPreconditioning.None) return [];
        var (pairs, name) = (Adapter.Pairs, OptimizerName.Of(preconditioning));
        if (pairs.Count == 0 || pairs.Count < Adapter.Selection.Targets.Count(t => t.TiedTo is null && t.Module.Kind != ModuleKind.Embedding))
            throw new LowRankException($"The optimizer {name} works on the matrices A and B of a LoRA or DoRA on linear layers; the adapter here has modules of another kind ({Adapter.Config.Kind}{(Adapter.Config is LoraConfig ? ", parameters of experts" : "")}). Take adamw.");
        if (preconditioning != GradientPreconditioning.LoraFa) return pairs;
        if (Adapter.Config is LoraConfig { UseDora: true }) throw new LowRankException($"The optimizer {name} leaves B alone to be trained, which is a LoRA's; with DoRA take adamw or riemannian.");
        foreach (var a in pairs.Select(p => p.A))
        {
            a.Freeze();
            using var value = a.Value.detach();
            frozen.Add(a.Name, value.view(-1).DetachFromDisposeScope());
        }
        return pairs;
    }

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
        foreach (var view in frozen.Values) view.Dispose();
        frozen.Clear();
    }
}
