using System.Runtime.InteropServices;
using LowRank.Adapters.AdaLora;
using LowRank.Adapters.Initialization;
using LowRank.Adapters.Tokens;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Optimizers.Preconditioning;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>
/// An adapter that stands in the slots of a model: its parameters, its tensors under PEFT's names, and the way back. Not thread-safe, as the model is not.
/// Disposing it puts the base model back.
/// </summary>
public sealed class AttachedAdapter : IDisposable
{
    private readonly IReadOnlyList<ModuleSlot> slots;
    private readonly IReadOnlyList<AdaptableModule> modules;
    private readonly HashSet<string> baseCopies;
    private readonly Dictionary<string, string> fileNames;

    internal AttachedAdapter(IReadOnlyList<ModuleSlot> slots, IReadOnlyList<AdaptableModule> modules, TargetSelection selection, Dropout dropout, IReadOnlyList<TrainableParameter> parameters)
    {
        (this.slots, this.modules, Selection, Dropout, Parameters) = (slots, modules, selection, dropout, parameters);
        fileNames = selection.Targets.ToDictionary(t => t.Module.Name, t => t.FileName, StringComparer.Ordinal);
        baseCopies = [.. AdapterKeys.TensorsOf(selection, modules).Where(t => !t.IsTrained).Select(t => t.Name)];
    }

    /// <summary>The modules that were chosen, and the configuration as it is saved.</summary>
    public TargetSelection Selection { get; private set; }

    /// <summary>
    /// The configuration as it is saved: with targets written out; for AdaLoRA with the triplets that are kept now; for a LoRA that started from the weight (PiSSA, OLoRA) that of the
    /// plain LoRA of twice the rank which it is for the unchanged base.
    /// </summary>
    public AdapterConfig Config => Selection.Config switch
    {
        AdaLoraConfig adaLora when KeptTriplets() is { } kept => adaLora with { RankPattern = kept },
        var config => SavedConfig(config),
    };

    /// <summary>A configuration as it is saved: a LoRA that started from the weight, or from what quantizing lost, is the plain LoRA that it is for the unchanged base.</summary>
    internal static AdapterConfig SavedConfig(AdapterConfig config) => config switch
    {
        LoraConfig { StartsFromWeight: true } lora => LoraConversion.Of(lora),
        LoraConfig { Initialization: LoraInitialization.LoftQ } lora => lora with { Initialization = LoraInitialization.KaimingUniform },
        _ => config,
    };

    /// <summary>Everything that is trained, each once, in the model's order.</summary>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>Parameters that were added to the model: trained biases are the base's own, modules saved whole are copies.</summary>
    public long AddedParameters => Parameters.Where(p => !p.Name.EndsWith(".bias", StringComparison.Ordinal) || p.Name.EndsWith(".lora_B.bias", StringComparison.Ordinal)).Sum(p => p.Count);

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

    /// <summary>Whether the adapter is in use now.</summary>
    internal bool IsShown { get; private set; } = true;

    /// <summary>Whether <see cref="Disable"/> shows the base model exactly.</summary>
    public bool CanShowBase => Selection.Config.Bias == BiasTraining.None && Selection.ModulesToSave.Count == 0;

    /// <summary>The tensors of the adapter file, in the model's order.</summary>
    public IEnumerable<AdapterValue> Values() => Values(a => a.Values());

    private IEnumerable<AdapterValue> Values(Func<ILinearAdapter, IEnumerable<(AdapterTensorKind Kind, Tensor Value)>> ofAdapter)
    {
        foreach (var slot in slots)
        {
            switch (slot)
            {
                case LinearSlot { Module: AdaptedLinear adapted } linear:
                    foreach (var (kind, value) in ofAdapter(adapted.Adapter)) yield return new AdapterValue(AdapterKeys.NameOf(fileNames[slot.Name], kind), value);
                    if (adapted.Frozen.TrainedBias is { } trained) yield return new AdapterValue(trained.Name, trained.Value.detach());
                    if (linear.IsHead && baseCopies.Contains($"{slot.Name}.base_layer.weight")) yield return new AdapterValue($"{slot.Name}.base_layer.weight", adapted.Frozen.Weight.Dequantize(0, adapted.Frozen.OutFeatures), IsBaseCopy: true);
                    break;
                case ExpertsSlot { Adapter: { } experts }:
                    foreach (var p in experts.Parameters) yield return new AdapterValue(p.Name, p.Value.detach());
                    break;
                case LinearSlot { Module: FrozenLinear { TrainedBias: { } only } }:
                    yield return new AdapterValue(only.Name, only.Value.detach());
                    break;
                case LinearSlot { Module: TrainedLinear whole }:
                    yield return new AdapterValue($"{slot.Name}.weight", whole.Weight.Value.detach());
                    if (whole.Bias is { } wholeBias) yield return new AdapterValue($"{slot.Name}.bias", wholeBias.Value.detach());
                    break;
                case EmbeddingSlot { Module: AdaptedEmbedding table }:
                    yield return new AdapterValue($"{slot.Name}.lora_embedding_A", table.Adapter.A.Value.detach());
                    yield return new AdapterValue($"{slot.Name}.lora_embedding_B", table.Adapter.B.Value.detach());
                    if (baseCopies.Contains($"{slot.Name}.base_layer.weight")) yield return new AdapterValue($"{slot.Name}.base_layer.weight", table.Frozen.Weight.Dequantize(0, table.Rows), IsBaseCopy: true);
                    break;
                case LinearSlot { Module: TokenHead { OwnsRows: true } head }:
                    yield return new AdapterValue(head.Trained.Rows.Name, head.Trained.Rows.Value.detach());
                    break;
                case EmbeddingSlot { Module: TokenEmbedding tokens }:
                    yield return new AdapterValue(tokens.Trained.Rows.Name, tokens.Trained.Rows.Value.detach());
                    break;
                case EmbeddingSlot { Module: TrainedEmbedding saved }:
                    yield return new AdapterValue($"{slot.Name}.weight", saved.Weight.Value.detach());
                    break;
                case NormSlot norm:
                    if (norm.Module.Trained is { } scale) yield return new AdapterValue(scale.Name, scale.Value.detach());
                    if (norm.Module.TrainedBias is { } shift) yield return new AdapterValue(shift.Name, shift.Value.detach());
                    break;
            }
        }
    }

    /// <summary>
    /// Takes the values of an adapter folder. The folder must hold exactly the tensors of this adapter; those of one that started from the weight are A and B as they are trained, as
    /// PEFT writes them without a conversion, while what is saved here is a plain LoRA and is loaded as such.
    /// </summary>
    /// <exception cref="AdapterException">Tensors are missing, unexpected or of another shape, or the copy of an embedding or head differs from this base.</exception>
    public void Load(AdapterFolder folder) => Load(folder, null);

    /// <summary>As <see cref="Load(AdapterFolder)"/>, where the file may have these keys too.</summary>
    internal void Load(AdapterFolder folder, IReadOnlySet<string>? known)
    {
        AdapterCheck.Strict(folder.Path, folder.Weights, AdapterKeys.TensorsOf(Selection, modules), known);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (var value in Values(a => a.Trained()))
        {
            using var read = empty(value.Value.shape, ScalarType.Float32);
            if (!folder.TryRead(AdapterKeys.ToKey(value.Key), MemoryMarshal.Cast<byte, float>(read.bytes))) continue;
            if (!value.IsBaseCopy) value.Value.copy_(read);
            // A base with a resized or edited embedding cannot be used by writing into a frozen one.
            else if (!IsEqual(read, value.Value))
                throw new AdapterException(folder.Path, $"{value.Key} is not the weight of this base model. The adapter was trained on a base with another embedding or head: load it on that one.");
        }
        TrainableParameter.Changed();
    }

    private static bool IsEqual(Tensor read, Tensor value)
    {
        using var here = value.cpu();
        return MemoryMarshal.Cast<byte, float>(read.bytes).SequenceEqual(MemoryMarshal.Cast<byte, float>(here.bytes));
    }

    /// <summary>Writes the adapter in PEFT's form; the folder appears whole or not at all.</summary>
    /// <param name="folder">The folder to create; it must not exist, or be empty.</param>
    /// <param name="record">What to keep beside it, or null.</param>
    public void Save(string folder, AdapterRecord? record = null)
    {
        using var writer = AdapterFolder.Create(folder, Config, Declared(), record);
        Write(writer);
    }

    /// <summary>Writes the adapter's files into a folder that exists; each file appears whole or not at all.</summary>
    public void SaveInto(string folder, AdapterRecord? record = null)
    {
        using var writer = AdapterFolder.WriteInto(folder, Config, Declared(), record);
        Write(writer);
    }

    private List<(string, TensorType, long[])> Declared()
    {
        using var scope = NewDisposeScope();
        return [.. Values().Select(v => (v.Key, TensorType.F32, v.Value.shape))];
    }

    private void Write(AdapterWriter writer)
    {
        foreach (var value in Values())
        {
            using var dense = value.Value.contiguous();
            using var onCpu = dense.cpu();
            writer.Write(value.Key, MemoryMarshal.Cast<byte, float>(onCpu.bytes));
            value.Value.Dispose();
        }
        writer.Commit();
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
                    var merged = adapted.Frozen.Weight.Dequantize(0, adapted.OutFeatures);
                    adapted.Adapter.Merge(merged, 0);
                    yield return ($"{slot.Name}.weight", adapted.Frozen.AsStored(merged));
                    if (MergedBias(adapted) is { } mergedBias) yield return ($"{slot.Name}.bias", mergedBias);
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
                case LinearSlot { Module: TokenHead { OwnsRows: true } head }:
                    var headRows = head.Frozen.Weight.Dequantize(0, head.OutFeatures);
                    head.Trained.Merge(headRows);
                    yield return ($"{slot.Name}.weight", headRows);
                    break;
                case EmbeddingSlot { Module: TokenEmbedding tokens }:
                    var tableRows = tokens.Frozen.Weight.Dequantize(0, tokens.Rows);
                    tokens.Trained.Merge(tableRows);
                    yield return ($"{slot.Name}.weight", tableRows);
                    break;
                case EmbeddingSlot { Module: TrainedEmbedding saved }:
                    yield return ($"{slot.Name}.weight", saved.Weight.Value.detach().clone());
                    break;
                case NormSlot norm:
                    if (norm.Module.Trained is { } scale) yield return (scale.Name, scale.Value.detach().clone());
                    if (norm.Module.TrainedBias is { } shift) yield return (shift.Name, shift.Value.detach().clone());
                    break;
            }
        }
    }

    private static Tensor Sum(Tensor into, Tensor delta)
    {
        using (delta) return into.add_(delta, Scalars.One);
    }

    /// <summary>Tells AdaLoRA's schedule the steps of the run that trains it.</summary>
    internal AdaLoraConfig Schedule(AdaLoraConfig config)
    {
        config.Validate();
        Selection = Selection with { Config = config };
        return config;
    }

    /// <summary>The updates of AdaLoRA, in the model's order.</summary>
    internal IReadOnlyList<AdaLoraAdapter> AdaLoraModules => [.. slots.OfType<LinearSlot>().Select(s => (s.Module as AdaptedLinear)?.Adapter).OfType<AdaLoraAdapter>()];

    /// <summary>The matrices of the updates that are products of two which are trained, in the model's order.</summary>
    internal IReadOnlyList<LoraPair> Pairs => [.. slots.OfType<LinearSlot>().Select(s => (s.Module as AdaptedLinear)?.Adapter.Pair).OfType<LoraPair>()];

    /// <summary>What the modules started from, where that is a part of the weight: flat tensors by names, the same as long as the adapter stands.</summary>
    internal IReadOnlyDictionary<string, Tensor> InitialUpdates => slots.OfType<LinearSlot>().Where(s => s.Module is AdaptedLinear { Adapter: ResidualLoraAdapter })
        .ToDictionary(s => $"{s.Name}.initial", s => ((ResidualLoraAdapter)((AdaptedLinear)s.Module).Adapter).Initial.Values, StringComparer.Ordinal);

    // Which triplets each module keeps, of those that it began with; null while none was taken away.
    private OrderedDictionary<string, IReadOnlyList<bool>>? KeptTriplets()
    {
        OrderedDictionary<string, IReadOnlyList<bool>>? kept = null;
        foreach (var slot in slots)
            if (slot is LinearSlot { Module: AdaptedLinear { Adapter: AdaLoraAdapter adapter } } && (adapter.KeptBefore ?? adapter.Kept) is { } mask)
                (kept ??= new(StringComparer.Ordinal)).Add($"{slot.Name}.lora_E", mask);
        return kept;
    }

    private static Tensor? MergedBias(AdaptedLinear adapted)
    {
        using var bias = adapted.Frozen.Bias?.detach();
        return adapted.Adapter.MergedBias(bias);
    }

    private void Switch(bool enabled)
    {
        IsShown = enabled;
        foreach (var slot in slots)
        {
            if (slot is LinearSlot { Module: AdaptedLinear adapted }) adapted.Enabled = enabled;
            if (slot is EmbeddingSlot { Module: AdaptedEmbedding table }) table.Enabled = enabled;
            if (slot is LinearSlot { Module: TokenHead head }) head.Enabled = enabled;
            if (slot is EmbeddingSlot { Module: TokenEmbedding tokens }) tokens.Enabled = enabled;
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
                    if (linear.Module is TokenHead { OwnsRows: true } head) head.Trained.Dispose();
                    frozen.FreezeBias();
                    linear.Module = frozen;
                    break;
                case EmbeddingSlot embedding:
                    var table = embedding.FrozenBase();
                    if (embedding.Module is AdaptedEmbedding low) low.Adapter.Dispose();
                    if (embedding.Module is TrainedEmbedding saved) saved.Weight.Dispose();
                    if (embedding.Module is TokenEmbedding tokens) tokens.Trained.Dispose();
                    embedding.Module = table;
                    break;
                case ExpertsSlot experts:
                    experts.Adapter?.Dispose();
                    experts.Adapter = null;
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
