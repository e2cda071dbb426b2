using LowRank.Layers;
using LowRank.Runtime;
using static TorchSharp.torch;

namespace LowRank.Adapters.Many;

/// <summary>
/// Many adapters by name over one loaded base. All rows use the same ones, one after another, or each row of a batch its own; the base is multiplied once for all. Adapters may be
/// added, chosen and removed from any thread, also while the model computes: a pass uses what was chosen when it began, and what was removed is freed before the next. Disposing
/// it puts the base model back.
/// </summary>
/// <remarks>Adapters that change more than linear layers of the blocks (trained biases or tokens, modules saved whole, embeddings, the head, experts) are refused: rows cannot differ in these.</remarks>
public sealed class AdapterCollection : IDisposable
{
    private readonly IReadOnlyList<ModuleSlot> slots;
    private readonly string? modelType;
    private readonly Lock gate = new();
    private readonly Queue<Action> pending = [];
    private readonly Dictionary<string, HeldAdapter> names = new(StringComparer.Ordinal);
    private AdapterRoute next = AdapterRoute.Base;

    internal AdapterCollection(IReadOnlyList<ModuleSlot> slots, string? modelType) => (this.slots, this.modelType) = (slots, modelType);

    /// <summary>The route of the pass that computes now.</summary>
    internal AdapterRoute Route { get; private set; } = AdapterRoute.Base;

    /// <summary>Whether rows of the next pass use different adapters, so that they do not share what they begin with.</summary>
    internal bool RowsDiffer
    {
        get
        {
            lock (gate) return next.Rows is not null;
        }
    }

    /// <summary>The names of all adapters.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (gate) return [.. names.Keys.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Bytes of all adapters: what they add to the base in memory.</summary>
    public long Bytes
    {
        get
        {
            lock (gate) return names.Values.Sum(n => n.Bytes);
        }
    }

    /// <summary>Adds an adapter from its folder.</summary>
    /// <param name="name">The name by which it is chosen.</param>
    /// <param name="folder">A folder of PEFT or LowRank.</param>
    /// <exception cref="ArgumentException">There is an adapter of that name.</exception>
    /// <exception cref="LowRankException">The adapter is damaged, does not fit the model, or changes more than linear layers.</exception>
    public void Add(string name, string folder)
    {
        using var opened = AdapterFolder.Open(folder);
        Add(name, opened);
    }

    /// <summary>Adds a new adapter with initial values, to be trained beside others.</summary>
    /// <param name="name">The name by which it is chosen.</param>
    /// <param name="config">Its settings.</param>
    /// <param name="seed">Seed of its initial values.</param>
    /// <returns>Its parameters, in the model's order.</returns>
    /// <exception cref="ArgumentException">There is an adapter of that name.</exception>
    /// <exception cref="LowRankException">The settings do not fit the model, or would change more than linear layers.</exception>
    public IReadOnlyList<TrainableParameter> Add(string name, AdapterConfig config, long seed = 0)
    {
        using var generator = new Generator((ulong)seed, CPU);
        var dropout = new Dropout();
        return Insert(name, config, Selection(config, name), (method, target, frozen, i) => method.Create(target, frozen, new AdapterStart(generator, dropout, i)));
    }

    private void Add(string name, AdapterFolder folder)
    {
        var selection = Selection(folder.Config, name);
        folder.RequireExactly(AdapterKeys.TensorsOf(selection, Modules()));
        using var unused = new Generator(0, CPU);
        var dropout = new Dropout();
        Insert(name, folder.Config, selection, (method, target, frozen, i) => method.Restore(target, kind =>
        {
            var read = empty(method.Tensors(target).Single(t => t.Kind == kind).Shape, ScalarType.Float32);
            folder.TryRead(AdapterKeys.ToKey(AdapterKeys.NameOf(target.FileName, kind)), System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(read.bytes));
            return (frozen.Weight.Device.type == TorchSharp.DeviceType.CPU ? read : read.to(frozen.Weight.Device)).DetachFromDisposeScope();
        }, frozen, new AdapterStart(unused, dropout, i)));
    }

    private TargetSelection Selection(AdapterConfig config, string name)
    {
        lock (gate)
            if (names.ContainsKey(name)) throw new ArgumentException($"There is an adapter called {name} already; remove it first, or take another name.", nameof(name));
        var selection = TargetMatcher.Select(config, Modules(), modelType);
        var reasons = new List<string>();
        if (selection.ModulesToSave.Count > 0) reasons.Add("it has modules that were saved whole (modules_to_save)");
        if (selection.Tokens.Count > 0) reasons.Add("it has trained tokens (trainable_token_indices)");
        if (config.Bias != BiasTraining.None) reasons.Add("it has trained biases (bias)");
        if (selection.Targets.Where(t => t.Module.Kind is not (ModuleKind.Linear or ModuleKind.Conv1D)).Select(t => t.Module.Name).ToArray() is { Length: > 0 } others) reasons.Add($"it adapts {string.Join(", ", others.Take(3))}");
        return reasons.Count == 0 ? selection : throw new LoraConfigException($"The adapter {name} cannot stand beside others over one base", reasons);
    }

    private IReadOnlyList<AdaptableModule> Modules()
    {
        lock (gate) return modules ??= slots.Describe();
    }

    private IReadOnlyList<AdaptableModule>? modules;

    private List<TrainableParameter> Insert(string name, AdapterConfig config, TargetSelection selection, Func<AdapterMethod, AdapterTarget, FrozenLinear, int, ILinearAdapter> make)
    {
        var byName = slots.OfType<LinearSlot>().ToDictionary(s => s.Name, StringComparer.Ordinal);
        var method = AdapterMethod.Of(selection.Config);
        var made = new List<(LinearSlot Slot, ILinearAdapter Adapter)>();
        try
        {
            for (var i = 0; i < selection.Targets.Count; i++)
            {
                var slot = byName[selection.Targets[i].Module.Name];
                made.Add((slot, make(method, selection.Targets[i], slot.FrozenBase(), i)));
            }
        }
        catch
        {
            foreach (var (_, adapter) in made) adapter.Dispose();
            throw;
        }
        // What was drawn or read on the way left holes that an aligned allocation of the same size cannot use: half as much again as the adapters of a hundred.
        MallocTuning.ReturnFreedPages();
        var parameters = made.SelectMany(m => m.Adapter.Parameters).ToList();
        lock (gate)
        {
            names.Add(name, new HeldAdapter(selection.Config, parameters.Sum(p => p.Count) * sizeof(float), made));
            pending.Enqueue(() =>
            {
                foreach (var (slot, adapter) in made)
                {
                    if (slot.Module is not ManyAdaptersLinear many) slot.Module = many = new ManyAdaptersLinear((FrozenLinear)slot.Module, this);
                    many.Add(name, adapter);
                }
            });
        }
        return parameters;
    }

    /// <summary>All rows use these adapters from the next pass on, one after another; none for the base alone.</summary>
    /// <exception cref="ArgumentException">There is no adapter of that name.</exception>
    public void Use(params IReadOnlyList<string> stack) => Choose(AdapterRoute.Of([.. stack]));

    /// <summary>Each row of a batch uses its own adapter from the next pass on. Batches must have that many rows.</summary>
    /// <param name="rows">The adapter of each row; null for the base alone.</param>
    /// <exception cref="ArgumentException">There is no adapter of that name.</exception>
    public void UseRows(IReadOnlyList<string?> rows) => Choose(AdapterRoute.OfRows([.. rows]));

    /// <summary>What passes from now on use.</summary>
    /// <exception cref="ArgumentException">An adapter of the route was removed meanwhile.</exception>
    internal AdapterRoute Chosen
    {
        get
        {
            lock (gate) return next;
        }
        set => Choose(value);
    }

    private void Choose(AdapterRoute route)
    {
        lock (gate)
        {
            if (route.Names.FirstOrDefault(n => !names.ContainsKey(n)) is { } absent)
                throw new ArgumentException($"There is no adapter called {absent}; there are {(names.Count == 0 ? "none" : string.Join(", ", names.Keys.Order(StringComparer.Ordinal)))}.", nameof(route));
            next = route;
        }
    }

    /// <summary>Removes an adapter; its memory is free when the next pass begins. It must not be chosen.</summary>
    /// <exception cref="ArgumentException">There is no adapter of that name, or it is chosen.</exception>
    public void Remove(string name)
    {
        lock (gate)
        {
            if (!names.ContainsKey(name)) throw new ArgumentException($"There is no adapter called {name}.", nameof(name));
            if (next.Names.Contains(name)) throw new ArgumentException($"The adapter {name} is chosen: choose another one first.", nameof(name));
            names.Remove(name);
            pending.Enqueue(() =>
            {
                foreach (var slot in slots.OfType<LinearSlot>()) (slot.Module as ManyAdaptersLinear)?.Remove(name);
            });
        }
    }

    /// <summary>Writes an adapter in PEFT's form into a folder that exists; each file appears whole or not at all. Not while it is trained.</summary>
    /// <param name="name">The adapter.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="record">What to keep beside it, or null.</param>
    /// <exception cref="ArgumentException">There is no adapter of that name.</exception>
    public void SaveInto(string name, string folder, AdapterRecord? record = null)
    {
        HeldAdapter held;
        lock (gate)
            if (!names.TryGetValue(name, out held!)) throw new ArgumentException($"There is no adapter called {name}.", nameof(name));
        using var scope = NewDisposeScope();
        var values = held.Modules.SelectMany(m => m.Adapter.Values().Select(v => (Key: AdapterKeys.NameOf(m.Slot.Name, v.Kind), v.Value))).ToList();
        using var writer = AdapterFolder.WriteInto(folder, AttachedAdapter.SavedConfig(held.Config), [.. values.Select(v => (v.Key, Formats.TensorType.F32, v.Value.shape))], record);
        foreach (var (key, value) in values) writer.Write(key, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(value.cpu().contiguous().bytes));
        writer.Commit();
    }

    /// <summary>What the modules of an adapter started from, where that is a part of the weight: flat tensors by names.</summary>
    internal IReadOnlyDictionary<string, Tensor> InitialUpdatesOf(string name)
    {
        lock (gate)
            return names[name].Modules.Where(m => m.Adapter is Initialization.ResidualLoraAdapter).ToDictionary(m => $"{m.Slot.Name}.initial", m => ((Initialization.ResidualLoraAdapter)m.Adapter).Initial.Values, StringComparer.Ordinal);
    }

    /// <summary>A pass begins on the thread of the model: what was chosen and changed since the last one counts now.</summary>
    internal void BeginPass()
    {
        lock (gate)
        {
            while (pending.TryDequeue(out var change)) change();
            Route = next;
        }
    }

    /// <summary>Frees all adapters and puts the base model back. Not while the model computes.</summary>
    public void Dispose()
    {
        next = AdapterRoute.Base;
        BeginPass();
        foreach (var slot in slots.OfType<LinearSlot>())
        {
            if (slot.Module is not ManyAdaptersLinear many) continue;
            foreach (var adapter in many.Adapters.Values) adapter.Dispose();
            slot.Module = many.Frozen;
        }
        names.Clear();
    }

    /// <summary>An adapter, with its settings as they are saved, its size and its modules.</summary>
    private sealed record HeldAdapter(AdapterConfig Config, long Bytes, IReadOnlyList<(LinearSlot Slot, ILinearAdapter Adapter)> Modules);
}
