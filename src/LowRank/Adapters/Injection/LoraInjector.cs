using LowRank.Formats;
using LowRank.Layers;
using LowRank.Runtime;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>
/// LoRA on any TorchSharp module: every chosen <c>Linear</c> computes y = W x + b + scaling · B A dropout(x), only A and B are trained, and
/// they are saved as a PEFT adapter. TorchSharp's <c>Linear</c> is sealed, so the update comes in by forward hooks; the layers themselves
/// stay in the module. Disposing (or <see cref="Merge"/>) takes the hooks away and gives the module back as it was.
/// </summary>
/// <remarks>
/// Move the module to its device before attaching. Dropout acts while a layer is in training mode. Modules saved whole, trained biases of the
/// base and LoRA on embeddings are refused here; LowRank's own models have them. Not thread-safe, as modules are not.
/// </remarks>
public sealed class LoraInjector : IDisposable
{
    private readonly List<HookedLinear> layers = [];
    private readonly List<(Parameter Parameter, bool RequiresGrad)> frozen = [];
    private readonly Generator masks;
    private bool attached = true;

    private LoraInjector(nn.Module module, Func<Tensor> runOnce, LoraConfig config, long seed)
    {
        var linears = InjectableModules.Linears(module);
        Selection = InjectableModules.Select(config, module, linears);
        using var initial = new Generator((ulong)seed, CPU);
        masks = new Generator((ulong)seed + 1, linears[Selection.Targets[0].Module.Name].weight.device);
        try
        {
            foreach (var parameter in module.parameters())
            {
                frozen.Add((parameter, parameter.requires_grad));
                parameter.requires_grad_(false);
            }
            foreach (var target in Selection.Targets)
                layers.Add(new HookedLinear(linears[target.Module.Name], target, config, initial, masks));
            HookProbe.Run(module, layers, runOnce);
        }
        catch
        {
            Detach();
            throw;
        }
    }

    /// <summary>The layers that were chosen, and the configuration as it is saved.</summary>
    public TargetSelection Selection { get; }

    /// <summary>Everything that is trained, for an optimizer of TorchSharp: A [rank, in] and B [out, rank] of each layer, fp32, in the module's order.</summary>
    /// <exception cref="InvalidOperationException">The parameters were moved into <see cref="Optimizers.FlatParameters"/>, for LowRank's optimizers.</exception>
    public IReadOnlyList<Parameter> Parameters => [.. TrainableParameters.Select(p => p.Value as Parameter
        ?? throw new InvalidOperationException($"{p.Name} lives in a flat buffer of LowRank's optimizer now; TorchSharp's cannot take it."))];

    /// <summary>
    /// The same for LowRank's optimizers (<see cref="Optimizers.FlatParameters"/>), by their names in the adapter file without its prefix, such
    /// as <c>fc1.lora_A.weight</c>.
    /// </summary>
    public IReadOnlyList<TrainableParameter> TrainableParameters => [.. layers.SelectMany(l => l.Parameters)];

    /// <summary>Puts a new LoRA on a module. It changes nothing until it is trained (B is zero), except with <see cref="LoraInitialization.Random"/>.</summary>
    /// <param name="module">The module, on its device. All its own parameters are frozen until the injector is disposed.</param>
    /// <param name="example">An input for which the module runs once (in evaluation mode), to see that every chosen layer calls its hook.</param>
    /// <param name="config">The settings.</param>
    /// <param name="seed">Seed of the initial values and of dropout; the global generator is not used.</param>
    /// <exception cref="LoraConfigException">A target matches nothing, or a setting is wrong or not supported here; all problems are listed.</exception>
    /// <exception cref="LoraInjectionException">The module calls a chosen layer by <c>forward</c>, which passes by the hook, or does not use it.</exception>
    public static LoraInjector Attach(nn.Module<Tensor, Tensor> module, Tensor example, LoraConfig config, long seed = 0) =>
        Attach(module, () => module.call(example), config, seed);

    /// <summary>Puts a new LoRA on a module that takes or gives something else than one tensor.</summary>
    /// <param name="module">The module, on its device.</param>
    /// <param name="runOnce">Runs the module on an example and gives one of its outputs.</param>
    /// <param name="config">The settings.</param>
    /// <param name="seed">Seed of the initial values and of dropout.</param>
    /// <inheritdoc cref="Attach(nn.Module{Tensor, Tensor}, Tensor, LoraConfig, long)" path="/exception"/>
    public static LoraInjector Attach(nn.Module module, Func<Tensor> runOnce, LoraConfig config, long seed = 0)
    {
        NativeRuntime.Load();
        return new LoraInjector(module, runOnce, config, seed);
    }

    /// <summary>Puts a saved LoRA on a module.</summary>
    /// <param name="module">The module, on its device.</param>
    /// <param name="example">An input for which the module runs once.</param>
    /// <param name="folder">A PEFT adapter folder whose names are those of the module.</param>
    /// <exception cref="AdapterException">The folder is no adapter, or its tensors are not exactly those of the chosen layers.</exception>
    /// <inheritdoc cref="Attach(nn.Module{Tensor, Tensor}, Tensor, LoraConfig, long)" path="/exception"/>
    public static LoraInjector Load(nn.Module<Tensor, Tensor> module, Tensor example, string folder) => Load(module, () => module.call(example), folder);

    /// <summary>Puts a saved LoRA on a module that takes or gives something else than one tensor.</summary>
    /// <param name="module">The module, on its device.</param>
    /// <param name="runOnce">Runs the module on an example and gives one of its outputs.</param>
    /// <param name="folder">A PEFT adapter folder whose names are those of the module.</param>
    /// <inheritdoc cref="Load(nn.Module{Tensor, Tensor}, Tensor, string)" path="/exception"/>
    public static LoraInjector Load(nn.Module module, Func<Tensor> runOnce, string folder)
    {
        using var adapter = AdapterFolder.Open(folder);
        var injector = Attach(module, runOnce, adapter.Config as LoraConfig
            ?? throw new LoraConfigException($"{folder}: the adapter is {PeftFields.NameOf(adapter.Config.Kind)}; on a TorchSharp module only LORA is supported"));
        try
        {
            adapter.RequireExactly(AdapterKeys.TensorsOf(injector.Selection, [.. injector.Selection.Targets.Select(t => t.Module)]));
            using var scope = NewDisposeScope();
            foreach (var parameter in injector.TrainableParameters)
            {
                var elements = new float[parameter.Count];
                adapter.TryRead(AdapterKeys.ToKey(parameter.Name), elements);
                parameter.Set(tensor(elements).view(parameter.Shape));
            }
            return injector;
        }
        catch
        {
            injector.Dispose();
            throw;
        }
    }

    /// <summary>Writes the adapter as a new folder that PEFT can read.</summary>
    /// <param name="folder">The folder to create. It must not exist, or be empty.</param>
    /// <exception cref="LowRankException">The folder exists and is not empty, or the disk is full.</exception>
    public void Save(string folder)
    {
        RequireAttached();
        using var writer = AdapterFolder.Create(folder, Selection.Config, [.. TrainableParameters.Select(p => (p.Name, TensorType.F32, p.Shape))]);
        foreach (var parameter in TrainableParameters)
        {
            using var scope = NewDisposeScope();
            writer.Write(parameter.Name, parameter.Value.detach().cpu().contiguous().data<float>().ToArray());
        }
        writer.Commit();
    }

    /// <summary>Shows the module without the adapter until the returned scope is disposed.</summary>
    public IDisposable Disable()
    {
        RequireAttached();
        var before = layers.Select(l => l.Enabled).ToArray();
        foreach (var layer in layers) layer.Enabled = false;
        return new Scope(() =>
        {
            for (var i = 0; i < before.Length && i < layers.Count; i++) layers[i].Enabled = before[i];
        });
    }

    /// <summary>
    /// Adds scaling · B A to the weights, in their dtype, and takes the hooks away: the plain module now gives the adapted outputs. The injector
    /// is disposed by it.
    /// </summary>
    /// <exception cref="LoraInjectionException">B has a bias, and a layer has none to take it up.</exception>
    public void Merge()
    {
        RequireAttached();
        if (layers.Where(l => l.Bias is not null && l.Linear.bias is null).Select(l => l.Target.Module.Name).ToArray() is { Length: > 0 } plain)
            throw new LoraInjectionException($"{string.Join(", ", plain)} have no bias that could take up the bias of B (lora_bias), so the adapter cannot be merged.", plain);
        foreach (var layer in layers) layer.Merge();
        Dispose();
    }

    /// <summary>Takes the hooks away, frees A and B, and lets the module's own parameters require gradients as they did before.</summary>
    public void Dispose()
    {
        if (attached) Detach();
        attached = false;
    }

    private void Detach()
    {
        foreach (var layer in layers) layer.Dispose();
        layers.Clear();
        foreach (var (parameter, requiresGrad) in frozen) parameter.requires_grad_(requiresGrad);
        frozen.Clear();
        masks.Dispose();
    }

    private void RequireAttached() => ObjectDisposedException.ThrowIf(!attached, this);

    private sealed class Scope(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
