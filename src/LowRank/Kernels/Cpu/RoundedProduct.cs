using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// The products of a 4-bit weight with bf16 tensors, for processors whose bf16 products are the faster ones: panels of the weight are decoded to bf16 by all threads and
/// multiplied by libtorch's product, which adds up in fp32 and rounds once. Between panels sums are fp32.
/// </summary>
internal static unsafe class RoundedProduct
{
    // 2 MiB of bf16: what the cores write is read back from their caches.
    private const long PanelElements = 1L << 20;

    // Fewer rows of a wide weight would make products too thin for the library.
    private const long LeastRows = 64;

    /// <summary><c>x · Wᵀ</c>: bf16 <c>[.., out]</c> for bf16 <paramref name="x"/> <c>[.., in]</c>.</summary>
    public static Tensor Forward(FourBitWeight weight, Tensor x)
    {
        using var scope = NewDisposeScope();
        var rows = x.reshape(-1, weight.InFeatures);
        var y = PooledTensor.Empty([rows.shape[0], weight.OutFeatures], ScalarType.BFloat16);
        Panels(weight, (start, panel) => y.narrow(1, start, panel.shape[0]).addmm_(rows, panel.t(), 0, 1));
        return y.view([.. x.shape[..^1], weight.OutFeatures]).MoveToOuterDisposeScope();
    }

    /// <summary><c>dy · W</c>: bf16 <c>[.., in]</c> for bf16 <paramref name="dy"/> <c>[.., out]</c>.</summary>
    public static Tensor Backward(FourBitWeight weight, Tensor dy)
    {
        using var scope = NewDisposeScope();
        var rows = dy.reshape(-1, weight.OutFeatures);
        Tensor? sum = null, only = null;
        Panels(weight, (start, panel) =>
        {
            var part = rows.narrow(1, start, panel.shape[0]).mm(panel);
            if (panel.shape[0] == weight.OutFeatures) only = part.MoveToOuterDisposeScope();
            else if (sum is null) sum = TypeCast.Pooled(part, ScalarType.Float32).MoveToOuterDisposeScope();
            else sum.add_(part, Scalars.One);
        });
        return (only ?? sum!.to(ScalarType.BFloat16)).view([.. dy.shape[..^1], weight.InFeatures]).MoveToOuterDisposeScope();
    }

    private static void Panels(FourBitWeight weight, Action<long, Tensor> multiply)
    {
        var height = Math.Min(weight.OutFeatures, Math.Max(LeastRows, PanelElements / weight.InFeatures));
        using var scratch = Scratch.Rent((height * weight.InFeatures + 1) / 2);
        for (long start = 0; start < weight.OutFeatures; start += height)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(height, weight.OutFeatures - start);
            weight.Dequantize(start * weight.InFeatures, count * weight.InFeatures, TensorType.BF16, (byte*)scratch.Floats);
            multiply(start, TensorMemory.TensorFromPointer((nint)scratch.Floats, [count, weight.InFeatures], ScalarType.BFloat16));
        }
    }
}
