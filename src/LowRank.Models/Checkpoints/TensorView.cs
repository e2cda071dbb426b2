using LowRank.Formats;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Checkpoints;

/// <summary>Tensors over the memory of a checkpoint's tensor, or of a part of its rows, without a copy.</summary>
internal static unsafe class TensorView
{
    /// <summary>A tensor over plain numbers. It is valid as long as the memory is; over a mapped file it must not be written to.</summary>
    /// <exception cref="LowRankException">The type is none of F32, F16 and BF16.</exception>
    public static Tensor Over(byte* start, ReadOnlySpan<long> shape, TensorType type) => TensorMemory.TensorFromPointer((nint)start, shape, type switch
    {
        TensorType.F32 => ScalarType.Float32,
        TensorType.F16 => ScalarType.Float16,
        TensorType.BF16 => ScalarType.BFloat16,
        _ => throw new LowRankException($"Weights of type {type} are not computed with; F32, F16 and BF16 are."),
    });
}
