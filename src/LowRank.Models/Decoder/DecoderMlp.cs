using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>A gated MLP, the whole of a layer's or one expert: down(act(gate(x)) · up(x)).</summary>
internal sealed class DecoderMlp(Activation activation, LinearSlot gate, LinearSlot up, LinearSlot down) : FeedForward
{
    public LinearSlot gate_proj { get; } = gate;

    public LinearSlot up_proj { get; } = up;

    public LinearSlot down_proj { get; } = down;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, DecoderPass pass) => Forward(x);

    /// <summary>Maps <paramref name="x"/> <c>[.., hidden]</c> to the same shape.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var projected = SharedInput.Forward(x, gate_proj, up_proj);
        return down_proj.Forward(Gated(activation, projected[0], projected[1])).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<LinearSlot> Slots() => [gate_proj, up_proj, down_proj];
}
