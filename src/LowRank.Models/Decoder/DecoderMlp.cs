using LowRank.Autograd;
using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>The gated MLP of one layer: down(act(gate(x)) · up(x)).</summary>
internal sealed class DecoderMlp(Activation activation, LinearSlot gate, LinearSlot up, LinearSlot down)
{
    public LinearSlot gate_proj { get; } = gate;

    public LinearSlot up_proj { get; } = up;

    public LinearSlot down_proj { get; } = down;

    /// <summary>Maps <paramref name="x"/> <c>[batch, sequence, hidden]</c> to the same shape.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var projected = SharedInput.Forward(x, gate_proj, up_proj);
        var (gate, up) = (projected[0], projected[1]);
        var gated = activation != Activation.Gelu && GatedActivationNode.Handles(gate, up)
            ? GatedActivationNode.Apply(gate, up, activation == Activation.GeluTanh)
            : Activate(gate) * up;
        return down_proj.Forward(gated).MoveToOuterDisposeScope();
    }

    private Tensor Activate(Tensor x) => activation switch
    {
        Activation.Silu => nn.functional.silu(x),
        Activation.GeluTanh => nn.functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh),
        Activation.Gelu => nn.functional.gelu(x),
        _ => throw new InvalidOperationException($"The activation {activation} is not known."),
    };
}
