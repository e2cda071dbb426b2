using System.Runtime.InteropServices;
using LowRank.Runtime.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Runtime.Interop;

/// <summary>CPU tensors over blocks of the <see cref="BlockPool"/>, which take them back when the last tensor over them goes: for results that each step makes anew.</summary>
internal static unsafe class PooledTensor
{
    /// <summary>Smaller tensors are libtorch's own: its heap serves them as fast.</summary>
    private const long LeastBytes = 64 << 10;

    /// <summary>A contiguous tensor with any content.</summary>
    public static Tensor Empty(ReadOnlySpan<long> shape, ScalarType type = ScalarType.Float32)
    {
        var bytes = (long)type.ElementSize();
        foreach (var n in shape) bytes *= n;
        if (bytes < LeastBytes) return empty(shape, type);
        NativeRuntime.Load();
        var block = BlockPool.Rent(bytes);
        return Tensor.UnsafeCreateTensor(TorchSharpNative.TensorOver(block, shape, type, &Release));
    }

    // Called by libtorch on whatever thread drops the last reference.
    [UnmanagedCallersOnly]
    private static void Release(void* block) => BlockPool.Return(block);
}
