using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>Products of <see cref="PackedGemm"/> over fp32 tensors of two dimensions on the CPU, plain or transposed views.</summary>
internal static unsafe class TensorGemm
{
    /// <summary><c>left · right · scale</c>, of <c>[rows, depth]</c> and <c>[depth, columns]</c>.</summary>
    public static GemmTerm Term(Tensor left, Tensor right, double scale = 1)
    {
        var (data, row, isTransposed) = Layout(left, nameof(left));
        var (other, otherRow, isOtherTransposed) = Layout(right, nameof(right));
        if (left.shape[1] != right.shape[0]) throw new ArgumentException($"[{string.Join(", ", left.shape)}] times [{string.Join(", ", right.shape)}]: the inner sizes differ.", nameof(right));
        return new(new(data, row, isTransposed), new DenseRight((float*)other, otherRow, isOtherTransposed, (float)scale), left.shape[1]);
    }

    /// <summary><c>left · Wᵀ</c> of <c>[rows, in]</c> and a stored W <c>[out, in]</c>, or <c>left · W</c> of <c>[rows, out]</c>.</summary>
    public static GemmTerm Term(Tensor left, PanelWeight weight, bool isTransposed)
    {
        var (data, row, isLeftTransposed) = Layout(left, nameof(left));
        return new(new(data, row, isLeftTransposed), new StoredRight(weight, isTransposed), isTransposed ? weight.InFeatures : weight.OutFeatures);
    }

    /// <summary>Writes the sum of <paramref name="terms"/> to <paramref name="target"/> <c>[rows, columns]</c>, whose rows are contiguous.</summary>
    public static void Run(Tensor target, params GemmTerm[] terms)
    {
        var (data, row, isTransposed) = Layout(target, nameof(target));
        if (isTransposed) throw new ArgumentException("The result's rows must be contiguous.", nameof(target));
        PackedGemm.Run(target.shape[0], target.shape[1], terms, (float*)data, row);
    }

    private static (nint Data, long Row, bool IsTransposed) Layout(Tensor t, string name)
    {
        if (t.dim() != 2 || t.dtype != ScalarType.Float32 || t.device_type != DeviceType.CPU)
            throw new ArgumentException($"A product takes fp32 matrices on the CPU; this is {t.dtype} [{string.Join(", ", t.shape)}] on {t.device}.", name);
        long row = t.stride(0), column = t.stride(1);
        if (column == 1 || t.shape[1] == 1) return (TensorMemory.DataPointer(t), row, false);
        if (row == 1 || t.shape[0] == 1) return (TensorMemory.DataPointer(t), column, true);
        throw new ArgumentException($"A product takes a matrix whose rows or columns are contiguous; the strides are {row} and {column}.", name);
    }
}
