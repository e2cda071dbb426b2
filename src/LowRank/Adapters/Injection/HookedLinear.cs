using LowRank.Adapters.Initialization;
using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>
/// A LoRA on one TorchSharp <c>Linear</c>: a forward hook adds scaling · B A dropout(x) to the layer's output. A and B are fp32 whatever the
/// layer's dtype, as in PEFT; the sum has the dtype of the output.
/// </summary>
internal sealed class HookedLinear : IDisposable
{
    private readonly nn.HookableModule<Func<nn.Module<Tensor, Tensor>, Tensor, Tensor>, Func<nn.Module<Tensor, Tensor>, Tensor, Tensor, Tensor>>.HookRemover hook;
    private readonly double dropout;
    private readonly Generator masks;

    /// <summary>Hooks onto a layer with fresh matrices.</summary>
    /// <param name="linear">The layer; it stays the caller's.</param>
    /// <param name="target">Name, rank and scaling.</param>
    /// <param name="config">The settings.</param>
    /// <param name="initial">Draws the initial values.</param>
    /// <param name="masks">Draws the dropout masks; it stays the caller's.</param>
    public HookedLinear(Linear linear, AdapterTarget target, LoraConfig config, Generator initial, Generator masks)
    {
        (Linear, Target, dropout, this.masks) = (linear, target, config.Dropout, masks);
        var (a, b, bias) = LoraInitializer.Linear(target, config, initial, linear.weight.device);
        A = AsModuleParameter(a);
        B = AsModuleParameter(b);
        Bias = bias is null ? null : AsModuleParameter(bias);
        Parameters = Bias is null ? [A, B] : [A, B, Bias];
        hook = linear.register_forward_hook(Add);
    }

    public Linear Linear { get; }

    public AdapterTarget Target { get; }

    public TrainableParameter A { get; }

    public TrainableParameter B { get; }

    public TrainableParameter? Bias { get; }

    /// <summary>What is trained, in the order of the file.</summary>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>Whether the update is added. The hook counts its calls in any case.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>How often the hook was called.</summary>
    public int Calls { get; private set; }

    /// <summary>Adds scaling · B A to the layer's weight, and the bias of B to its bias.</summary>
    public void Merge()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Linear.weight.add_(B.Value.mm(A.Value) * Scalars.Of(Target.Scaling), Scalars.One);
        if (Bias is not null) Linear.bias!.add_(Bias.Value * Scalars.Of(Target.Scaling), Scalars.One);
    }

    /// <summary>Removes the hook and frees the matrices.</summary>
    public void Dispose()
    {
        hook.remove();
        foreach (var parameter in Parameters) parameter.Dispose();
    }

    private Tensor Add(nn.Module<Tensor, Tensor> module, Tensor x, Tensor y)
    {
        Calls++;
        if (!Enabled) return y;
        using var scope = NewDisposeScope();
        var wide = x.to(ScalarType.Float32);
        var down = nn.functional.linear(dropout > 0 && module.training ? Dropped(wide) : wide, A.Value);
        // In place: the output of a linear layer is not needed for its gradient, and no second tensor of its size comes into being.
        y.add_(nn.functional.linear(down, B.Value, Bias?.Value) * Scalars.Of(Target.Scaling), Scalars.One);
        return y;
    }

    private Tensor Dropped(Tensor x) => x * (rand(x.shape, ScalarType.Float32, x.device, generator: masks) >= Scalars.Of(dropout)).to(ScalarType.Float32) / Scalars.Of(1 - dropout);

    /// <summary>The same parameter with a value that TorchSharp's optimizers take.</summary>
    private static TrainableParameter AsModuleParameter(TrainableParameter drawn)
    {
        using (drawn) return new TrainableParameter(drawn.Name, new Parameter(drawn.Value.detach().clone()));
    }
}
