using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>An MLP without a gate: down(act(up(x))) (GPT-2, StarCoder 2).</summary>
internal sealed class PlainMlp(Activation activation, LinearSlot up, LinearSlot down) : FeedForward
{
    public LinearSlot up_proj { get; } = up;

    public LinearSlot down_proj { get; } = down;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, DecoderPass pass)
    {
        using var scope = NewDisposeScope();
        return down_proj.Forward(Activate(activation, SharedInput.Forward(x, up_proj)[0])).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<LinearSlot> Slots() => [up_proj, down_proj];
}
