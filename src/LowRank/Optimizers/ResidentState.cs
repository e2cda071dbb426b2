using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Optimizers;

/// <summary>Moments in memory of the device.</summary>
internal sealed class ResidentState(MomentLayout layout, Device device) : OptimizerState
{
    private readonly Dictionary<StateBuffer, Tensor> tensors = layout.Buffers.ToDictionary(b => b,
        b => zeros(b.Elements, b.ScalarType, device).DetachFromDisposeScope());

    public override Tensor View(StateBuffer buffer) => tensors[buffer];

    public override void Dispose()
    {
        foreach (var t in tensors.Values) t.Dispose();
    }
}
