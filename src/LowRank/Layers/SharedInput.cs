using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>Linear layers that read the same input, such as q, k and v, or gate and up: by one node where all of them can be, else one after another.</summary>
internal static class SharedInput
{
    /// <summary>The outputs of <paramref name="slots"/> for <paramref name="x"/> <c>[.., in]</c>, in their order.</summary>
    public static Tensor[] Forward(Tensor x, params ReadOnlySpan<LinearSlot> slots)
    {
        var parts = new LinearPart[slots.Length];
        var isOne = x.dtype == ScalarType.Float32;
        for (var i = 0; isOne && i < slots.Length; i++)
        {
            if (slots[i].Module.PartFor() is { } part) parts[i] = part;
            else isOne = false;
        }
        if (isOne) return LinearParts.Forward(x, parts);
        var outputs = new Tensor[slots.Length];
        for (var i = 0; i < slots.Length; i++) outputs[i] = slots[i].Forward(x);
        return outputs;
    }
}
