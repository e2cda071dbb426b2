using LowRank.Autograd;
using LowRank.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>What stands in a layer after attention: an MLP of some form, or a mixture of experts.</summary>
internal abstract class FeedForward
{
    /// <summary>Maps <paramref name="x"/> <c>[batch, sequence, hidden]</c> to the same shape.</summary>
    public abstract Tensor Forward(Tensor x, DecoderPass pass);

    /// <summary>Its named places.</summary>
    public abstract IEnumerable<LinearSlot> Slots();

    /// <summary>The places of parameters that hold the matrices of all its experts together; none without experts.</summary>
    public virtual IEnumerable<ExpertsSlot> Parameters() => [];

    /// <summary><c>act(gate) · up</c>. Both must be results that no other operation reads or keeps.</summary>
    protected static Tensor Gated(Activation activation, Tensor gate, Tensor up) =>
        activation != Activation.Gelu && GatedActivationNode.Handles(gate, up)
            ? GatedActivationNode.Apply(gate, up, activation == Activation.GeluTanh)
            : Activate(activation, gate) * up;

    /// <summary>The activation of <paramref name="x"/>.</summary>
    protected static Tensor Activate(Activation activation, Tensor x) => activation switch
    {
        Activation.Silu => nn.functional.silu(x),
        Activation.GeluTanh => nn.functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh),
        Activation.Gelu => nn.functional.gelu(x),
        _ => throw new InvalidOperationException($"The activation {activation} is not known."),
    };
}
