using static TorchSharp.torch;

namespace LowRank.Runtime.Interop;

/// <summary>Copies of CPU tensors in another dtype, whose memory is used again in the next step.</summary>
internal static class TypeCast
{
    /// <summary>The values of <paramref name="x"/>, rounded to <paramref name="type"/>, in a new contiguous tensor of its shape.</summary>
    public static Tensor Pooled(Tensor x, ScalarType type)
    {
        var y = PooledTensor.Empty(x.shape, type);
        y.copy_(x);
        return y;
    }
}
