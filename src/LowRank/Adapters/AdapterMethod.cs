using LowRank.Adapters.AdaLora;
using LowRank.Adapters.Ia3;
using LowRank.Adapters.Lora;
using LowRank.Adapters.Miss;
using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>One kind of adapter: which modules it goes on, which tensors it adds, and how a new one starts. What it computes is in its <see cref="ILinearAdapter"/>.</summary>
internal abstract class AdapterMethod
{
    /// <summary>The method of a configuration.</summary>
    public static AdapterMethod Of(AdapterConfig config) => config switch
    {
        LoraConfig lora => new LoraMethod(lora),
        AdaLoraConfig adaLora => new AdaLoraMethod(adaLora),
        MissConfig miss => new MissMethod(miss),
        Ia3Config ia3 => new Ia3Method(ia3),
        _ => throw new ArgumentException($"{config.GetType()} has no method.", nameof(config)),
    };

    /// <summary>Why the adapter cannot go on a module, or null where it can. Norms are refused before.</summary>
    public virtual string? Problem(AdapterTarget target) => target.Module.Kind == ModuleKind.Embedding ? "this kind of adapter does not go on embeddings" : null;

    /// <summary>The tensors of a module in the adapter file, in the order in which they are listed, with their shapes.</summary>
    public abstract IEnumerable<(AdapterTensorKind Kind, long[] Shape)> Tensors(AdapterTarget target);

    /// <summary>A new update of a linear layer.</summary>
    /// <param name="target">The layer, and what the configuration says for it.</param>
    /// <param name="frozen">The layer.</param>
    /// <param name="start">What random values come from.</param>
    public abstract ILinearAdapter Create(AdapterTarget target, FrozenLinear frozen, AdapterStart start);

    /// <summary>An update of a linear layer with values from a file.</summary>
    /// <param name="target">The layer, and what the configuration says for it.</param>
    /// <param name="read">Gives the value of one of <see cref="Tensors"/>, fp32; it becomes the update's.</param>
    /// <param name="frozen">The layer, or null where it is not at hand; an update that started from its weight needs it.</param>
    /// <param name="start">Of dropout's masks.</param>
    public abstract ILinearAdapter Restore(AdapterTarget target, Func<AdapterTensorKind, Tensor> read, FrozenLinear? frozen, AdapterStart start);

    /// <summary>A parameter of a module, named as in the file.</summary>
    protected static TrainableParameter Parameter(AdapterTarget target, AdapterTensorKind kind, Tensor value) => new(AdapterKeys.NameOf(target.FileName, kind), value);
}
