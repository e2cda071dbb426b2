using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// The products of a stored weight with tensors: a few rows by <see cref="FewRows"/>, more by <see cref="PanelProduct"/>. They are computed in fp32; a tensor of
/// another dtype is widened before and the result rounded after.
/// </summary>
internal static unsafe class PanelLinear
{
    /// <summary><c>x · Wᵀ</c>, <c>[.., out]</c> in the dtype of <paramref name="x"/> <c>[.., in]</c>.</summary>
    public static Tensor Forward(PanelWeight weight, Tensor x) => Run(x, weight.InFeatures, weight.OutFeatures, (wide, rows, result) =>
    {
        if (rows <= FewRows.Most) FewRows.Linear(weight, wide, rows, result);
        else PanelProduct.Linear(weight, wide, rows, result);
    });

    /// <summary><c>dy · W</c>, <c>[.., in]</c> in the dtype of <paramref name="dy"/> <c>[.., out]</c>.</summary>
    public static Tensor Backward(PanelWeight weight, Tensor dy) =>
        Run(dy, weight.OutFeatures, weight.InFeatures, (wide, rows, result) => PanelProduct.LinearBackward(weight, wide, rows, add: false, result));

    /// <summary>Adds <c>dy · W</c> to <paramref name="dx"/> <c>[.., in]</c>; both are fp32 and <paramref name="dx"/> contiguous.</summary>
    public static void AddBackward(PanelWeight weight, Tensor dy, Tensor dx)
    {
        using var dense = dy.contiguous();
        var rows = dy.numel() / weight.OutFeatures;
        if (dx.dtype != ScalarType.Float32 || !dx.is_contiguous() || dx.numel() != rows * weight.InFeatures)
            throw new ArgumentException($"A contiguous fp32 tensor of {rows} × {weight.InFeatures} values is needed; the tensor is {dx.dtype} [{string.Join(", ", dx.shape)}].", nameof(dx));
        if (rows > 0) PanelProduct.LinearBackward(weight, TensorMemory.Floats(dense), rows, add: true, TensorMemory.Floats(dx));
    }

    private delegate void Product(float* wide, long rows, float* result);

    private static Tensor Run(Tensor input, long features, long resultFeatures, Product product)
    {
        if (input.dim() < 2 || input.shape[^1] != features)
            throw new ArgumentException($"Rows of {features} values are needed; the tensor is [{string.Join(", ", input.shape)}].", nameof(input));
        if (input.device_type != DeviceType.CPU) throw new LowRankException($"The weight is on the CPU and its input on {input.device}; move the input, or load the model in 16 bits there.");
        using var wide = input.to(ScalarType.Float32);
        using var dense = wide.contiguous();
        var rows = input.numel() / features;
        var result = PooledTensor.Empty([.. input.shape[..^1], resultFeatures]);
        if (rows > 0) product(TensorMemory.Floats(dense), rows, TensorMemory.Floats(result));
        if (input.dtype == ScalarType.Float32) return result;
        using (result) return result.to(input.dtype);
    }
}
