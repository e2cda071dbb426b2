using LowRank.Adapters;
using LowRank.Adapters.Experts;
using LowRank.Adapters.Initialization;
using LowRank.Models.Decoder;
using static TorchSharp.torch;

namespace LowRank.Models.Merging;

/// <summary>Which tensors of a checkpoint an adapter changes, and how, found from names and shapes before anything is read.</summary>
internal sealed class MergePlan : IDisposable
{
    private readonly AdapterFolder folder;
    private readonly DecoderSpec spec;
    private readonly TargetSelection selection;
    private readonly AdapterMethod method;
    private readonly Generator unused = new(0, CPU);
    private readonly Dictionary<string, Func<TensorChange>> changes = new(StringComparer.Ordinal);

    /// <summary>Plans the merge of an adapter folder, which must fit the model exactly.</summary>
    /// <exception cref="AdapterException">The adapter is of another base, or cannot be merged.</exception>
    /// <exception cref="LoraConfigException">The configuration does not fit the model.</exception>
    /// <param name="folder">The adapter.</param>
    /// <param name="spec">The base, with the tables of the adapter where it brings its own.</param>
    /// <param name="known">Keys of the adapter's file that belong to these tables, or null.</param>
    public MergePlan(AdapterFolder folder, DecoderSpec spec, IReadOnlySet<string>? known = null)
    {
        LoraConversion.Require(folder.Config, folder.Path);
        (this.folder, this.spec) = (folder, spec);
        var modules = DecoderModules.Of(spec);
        selection = TargetMatcher.Select(folder.Config, modules, spec.ModelType);
        method = AdapterMethod.Of(selection.Config);
        AdapterCheck.Strict(folder.Path, folder.Weights, AdapterKeys.TensorsOf(selection, modules), known);
        foreach (var target in selection.Targets) Add(target, modules);
        foreach (var tokens in selection.Tokens.Where(t => t.TiedTo is null)) Add(tokens);
        foreach (var saved in selection.ModulesToSave.Where(s => s.TiedTo is null)) Add(saved.Module);
        AddBiases(modules);
        IsHeadSeparate = spec.TiedHead && changes.ContainsKey(Head) | (changes.ContainsKey(Table) && !HeadFollows());
    }

    /// <summary>Whether a tied head has to become one of its own, because embedding and head no longer have the same weight.</summary>
    public bool IsHeadSeparate { get; }

    /// <summary>Warnings of the choice of targets.</summary>
    public IReadOnlyList<string> Warnings => selection.Warnings;

    /// <summary>The tensors that change.</summary>
    public IReadOnlyCollection<string> Changed => changes.Keys;

    private string Table => $"{spec.Names.Embedding}.weight";

    private string Head => $"{spec.Names.Head}.weight";

    /// <summary>The change of a tensor, or null for one that stays. The caller disposes it.</summary>
    public TensorChange? Of(string tensor) => changes.TryGetValue(tensor, out var change) ? change() : null;

    private void Add(AdapterTarget target, IReadOnlyList<AdaptableModule> modules)
    {
        var name = target.Module.Name;
        if (target.Module.Kind == ModuleKind.Experts)
        {
            AddExperts(target, modules);
            return;
        }
        if (target.Module.Kind == ModuleKind.Embedding)
        {
            changes[$"{name}.weight"] = () => new TensorChange.Embedding(
                TensorChange.Read(folder, AdapterKeys.NameOf(name, AdapterTensorKind.EmbeddingA), target.Rank, target.Module.InFeatures),
                TensorChange.Read(folder, AdapterKeys.NameOf(name, AdapterTensorKind.EmbeddingB), target.Module.OutFeatures, target.Rank), target.Scaling);
            return;
        }
        if (target.TiedTo is { } table)
        {
            // The same update as the embedding's, transposed twice; with the embedding's scaling the weight is still one.
            if (target.Scaling == selection.Targets.Single(t => t.Module.Name == table).Scaling) return;
            changes[$"{name}.weight"] = () => new TensorChange.Embedding(
                TensorChange.Read(folder, AdapterKeys.NameOf(table, AdapterTensorKind.EmbeddingA), target.Rank, target.Module.OutFeatures),
                TensorChange.Read(folder, AdapterKeys.NameOf(table, AdapterTensorKind.EmbeddingB), target.Module.InFeatures, target.Rank), target.Scaling);
            return;
        }
        ILinearAdapter Adapter() => method.Restore(target, kind => TensorChange.Read(folder, AdapterKeys.NameOf(target.FileName, kind), method.Tensors(target).Single(t => t.Kind == kind).Shape), null, new AdapterStart(unused, new Dropout(), 0));
        changes[$"{name}.weight"] = () => new TensorChange.Adapted(Adapter());
        if (!target.Module.HasBias && selection.Config is not LoraConfig { LoraBias: true }) return;
        using var probe = Adapter();
        using var bias = target.Module.HasBias ? zeros(target.Module.OutFeatures) : null;
        using var merged = probe.MergedBias(bias);
        if (merged is null) return;
        if (!target.Module.HasBias)
            throw new AdapterException(folder.Path, $"{name} has no bias that could take up the bias of B (lora_bias), so the adapter cannot be merged. Use it beside the model, or train without lora_bias.");
        changes[$"{name}.bias"] = () => new TensorChange.Bias(Adapter());
    }

    // Each expert's tensors are its own in the checkpoint. Those of a layer come one after another, so that its matrices are read once.
    private void AddExperts(AdapterTarget target, IReadOnlyList<AdaptableModule> modules)
    {
        var parts = modules.Where(m => m.PartOf == target.Module.Name).ToList();
        var together = parts.Count / target.Module.Experts;
        for (var i = 0; i < parts.Count; i++)
        {
            var (expert, part) = (i / together, i % together);
            changes[$"{parts[i].Name}.weight"] = () => new TensorChange.Adapted(ReadExperts(target, together).UpdateOf(expert, part, target));
        }
    }

    private ExpertMatrices ReadExperts(AdapterTarget target, int together)
    {
        if (experts is { } kept && kept.FileName == target.FileName) return kept.Matrices;
        FreeExperts();
        Tensor Read(AdapterTensorKind kind) => TensorChange.Read(folder, AdapterKeys.NameOf(target.FileName, kind), method.Tensors(target).Single(t => t.Kind == kind).Shape);
        var (a, b) = (Read(AdapterTensorKind.LoraA), Read(AdapterTensorKind.LoraB));
        experts = (target.FileName, a, b, new ExpertMatrices(() => a, () => b, target.Module.Experts, together));
        return experts.Value.Matrices;
    }

    private void FreeExperts()
    {
        experts?.A.Dispose();
        experts?.B.Dispose();
        experts = null;
    }

    private (string FileName, Tensor A, Tensor B, ExpertMatrices Matrices)? experts;

    private void Add(TokenTarget target)
    {
        var width = target.Module.Kind == ModuleKind.Embedding ? target.Module.OutFeatures : target.Module.InFeatures;
        changes[$"{target.Module.Name}.weight"] = () => new TensorChange.TokenRows(TensorChange.Read(folder, AdapterKeys.NameOf(target.Module.Name, AdapterTensorKind.TokenRows), target.Tokens.Count, width), target.Tokens);
    }

    private void Add(AdaptableModule saved)
    {
        if (saved.WeightShape is { } shape) changes[$"{saved.Name}.weight"] = () => new TensorChange.Whole(TensorChange.Read(folder, $"{saved.Name}.weight", shape));
        if (saved.HasBias) changes[$"{saved.Name}.bias"] = () => new TensorChange.Whole(TensorChange.Read(folder, $"{saved.Name}.bias", saved.OutFeatures));
    }

    private void AddBiases(IReadOnlyList<AdaptableModule> modules)
    {
        foreach (var tensor in AdapterKeys.TensorsOf(selection, modules).Where(t => t.Kind == AdapterTensorKind.BaseBias))
            changes[$"{tensor.Module}.bias"] = () => new TensorChange.Whole(TensorChange.Read(folder, tensor.Name, tensor.Shape));
    }

    private bool HeadFollows() =>
        selection.Targets.Any(t => t.TiedTo is not null) || selection.Tokens.Any(t => t.TiedTo is not null) || selection.ModulesToSave.Any(s => s.TiedTo is not null);

    /// <inheritdoc/>
    public void Dispose()
    {
        FreeExperts();
        unused.Dispose();
    }
}
