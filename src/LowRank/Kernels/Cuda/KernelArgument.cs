using LowRank.Runtime.Interop;
using TorchSharp;

namespace LowRank.Kernels.Cuda;

/// <summary>A parameter of a kernel in eight bytes, of which the kernel reads as many as its type has (little-endian).</summary>
/// <param name="Bits">Its bits.</param>
internal readonly record struct KernelArgument(ulong Bits)
{
    public static implicit operator KernelArgument(int value) => new((uint)value);

    public static implicit operator KernelArgument(bool value) => new(value ? 1u : 0);

    public static implicit operator KernelArgument(long value) => new((ulong)value);

    public static implicit operator KernelArgument(float value) => new(BitConverter.SingleToUInt32Bits(value));

    public static implicit operator KernelArgument(double value) => new(BitConverter.DoubleToUInt64Bits(value));

    /// <summary>The address of a tensor's first element; null gives a null pointer.</summary>
    public static implicit operator KernelArgument(torch.Tensor? tensor) => new(tensor is null ? 0 : (ulong)TensorMemory.DataPointer(tensor));
}
