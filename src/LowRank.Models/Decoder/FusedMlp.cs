using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>A gated MLP whose gate and up are the two halves of one projection (Phi-3).</summary>
internal sealed class FusedMlp(Activation activation, LinearSlot gateUp, LinearSlot down) : FeedForward
{
    public LinearSlot gate_up_proj { get; } = gateUp;

    public LinearSlot down_proj { get; } = down;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, DecoderPass pass)
    {
        using var scope = NewDisposeScope();
        var halves = SharedInput.Forward(x, gate_up_proj)[0].chunk(2, -1);
        return down_proj.Forward(Gated(activation, halves[0].contiguous(), halves[1].contiguous())).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<LinearSlot> Slots() => [gate_up_proj, down_proj];
}
