using LowRank.Formats;
using LowRank.Kernels.Cpu;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Kernels.Cuda;

/// <summary>
/// The kernels of <c>Kernels.cu</c> by their meaning. Tensors are contiguous and lie on the kernels' device; activations are fp32 or bf16. The twins are the kernels of
/// <see cref="Cpu"/> and compositions of tensor operations. A call returns when the kernel is queued, not when it is done.
/// </summary>
internal sealed class CudaKernels(IKernelLauncher launcher)
{
    /// <summary>Threads of a block, as in the source.</summary>
    public const int Threads = 256;

    // Enough to fill any GPU many times over; loops in the kernels take the rest.
    private const long MostBlocks = 1 << 16;

    // Sums over rows are cut into this many parts whatever the device.
    private const int Parts = 32;

    // Elements whose squares one block adds up.
    private const int Piece = 1 << 16;

    [ThreadStatic] private static CudaKernels? standIn;

    /// <summary>The kernels for a tensor, or null where tensor operations have to do: on the CPU, and where NVRTC is missing.</summary>
    public static CudaKernels? For(Tensor x) => standIn ?? (x.device_type == DeviceType.CUDA ? CudaKernelStatus.Of(x.device_index).Kernels : null);

    /// <summary>As <see cref="For"/>, for activations: null for types that the kernels do not take.</summary>
    public static CudaKernels? ForActivations(Tensor x) => x.dtype is ScalarType.Float32 or ScalarType.BFloat16 && x.numel() > 0 ? For(x) : null;

    /// <summary>Lets this thread use these kernels for tensors of the CPU until the scope is disposed: tests, whose launcher runs them on the processor.</summary>
    internal static IDisposable StandIn(CudaKernels kernels)
    {
        standIn = kernels;
        return new Scope();
    }

    /// <summary>Whether this thread uses such kernels.</summary>
    internal static bool HasStandIn => standIn is not null;

    /// <summary>Decodes a 4-bit weight into <paramref name="target"/> (fp32, bf16 or fp16) from a flat element on.</summary>
    public void Dequantize(FourBitTensors weight, long start, Tensor target)
    {
        var kernel = target.dtype switch { ScalarType.Float32 => "dequantize_f32", ScalarType.BFloat16 => "dequantize_bf16", _ => "dequantize_fp16" };
        var rounding = weight.Rounding switch { TensorType.BF16 => 1, TensorType.F16 => 2, _ => 0 };
        var shift = System.Numerics.BitOperations.Log2((uint)weight.Options.BlockSize);
        var count = target.numel();
        Launch(kernel, (count + 3) / 4 + 1, [weight.Packed, weight.Absmax, weight.NestedAbsmax, weight.NestedValues, weight.NestedOffset, weight.Table, shift, rounding, start, count, target]);
    }

    /// <summary><c>y = act(gate) · up</c>; <paramref name="y"/> may be one of the inputs.</summary>
    public void GatedForward(bool gelu, Tensor gate, Tensor up, Tensor y) => Launch(Typed("gated_forward", gate), gate.numel(), [gelu, gate, up, gate.numel(), y]);

    /// <summary>The gradients of gate and up, written over them.</summary>
    public void GatedBackward(bool gelu, Tensor dy, Tensor gate, Tensor up) => Launch(Typed("gated_backward", gate), gate.numel(), [gelu, dy, gate, up, gate.numel()]);

    /// <summary>RMSNorm of <c>[.., n]</c> with an fp32 weight; <paramref name="factors"/> is fp32 <c>[rows]</c>.</summary>
    /// <param name="x">The input.</param>
    /// <param name="weight">fp32 <c>[n]</c>.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="roundFirst">Whether the normed value and the weight are rounded to the input's type before they are multiplied.</param>
    /// <param name="y">Gets the result.</param>
    /// <param name="factors">Gets one number a row.</param>
    public void RmsNormForward(Tensor x, Tensor weight, double epsilon, bool roundFirst, Tensor y, Tensor factors)
    {
        var (rows, n) = Rows(x);
        LaunchRows(Typed("rms_norm_forward", x), rows, [x, weight, epsilon, rows, n, roundFirst, y, factors]);
    }

    /// <summary>The gradient of RMSNorm's input.</summary>
    public void RmsNormBackward(Tensor g, Tensor x, Tensor weight, Tensor factors, Tensor dx)
    {
        var (rows, n) = Rows(x);
        LaunchRows(Typed("rms_norm_backward", x), rows, [g, x, weight, factors, rows, n, dx]);
    }

    /// <summary>The gradient of RMSNorm's weight, fp32 <c>[n]</c>.</summary>
    public void RmsNormWeightGradient(Tensor g, Tensor x, Tensor factors, Tensor dw)
    {
        var (rows, n) = Rows(x);
        using var parts = empty([Parts, n], ScalarType.Float32, x.device);
        launcher.Launch(Typed("rms_norm_weight_parts", x), Blocks(n), Parts, [g, x, factors, rows, n, parts]);
        Launch("sum_parts", n, [parts, Parts, n, dw]);
    }

    /// <summary>Rotates heads <c>[tokens, heads, headSize]</c> by angles <c>[tokens, half]</c> of the same type; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public void Rotate(Tensor x, Tensor cosine, Tensor sine, int headSize, bool back, Tensor y)
    {
        var half = (int)cosine.shape[^1];
        var tokens = cosine.numel() / half;
        var heads = (int)(x.numel() / tokens / headSize);
        Launch(Typed("rotate", x), tokens * heads * (headSize - half), [x, cosine, sine, tokens, heads, headSize, half, back, y]);
    }

    /// <summary>The summed cross-entropy of fp32 logits <c>[tokens, vocabulary]</c>; with a scale their memory then holds that times the gradient.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A target is outside the vocabulary.</exception>
    public double CrossEntropy(Tensor logits, Tensor targets, double? scale) => CrossEntropies(logits, targets, scale).Sum();

    /// <summary>The same, the loss of each token for itself.</summary>
    public double[] CrossEntropies(Tensor logits, Tensor targets, double? scale)
    {
        var (rows, columns) = Rows(logits);
        if (targets.numel() != rows) throw new ArgumentException($"{targets.numel()} targets for {rows} rows of logits.", nameof(targets));
        using var scope = NewDisposeScope();
        var losses = empty([rows], ScalarType.Float64, logits.device);
        LaunchRows("cross_entropy", rows, [logits, targets.contiguous(), rows, columns, (float)(scale ?? 0), scale is not null, losses]);
        var found = losses.cpu().data<double>().ToArray();
        if (Array.Exists(found, double.IsNaN) && targets.lt(Scalars.Of(0)).logical_or(targets.ge(Scalars.Of(columns))).any().item<bool>())
            throw new ArgumentOutOfRangeException(nameof(targets), $"A label is outside the vocabulary of {columns} tokens.");
        return found;
    }

    /// <summary>One AdamW step over a piece of the flat buffers, fp32 <c>[count]</c> each.</summary>
    public void AdamW(Tensor values, Tensor gradients, Tensor first, Tensor second, in AdamWStep step) => Launch("adamw", values.numel(),
        [values, gradients, first, second, values.numel(), step.Keep, step.OneMinusBeta1, step.Beta2, step.OneMinusBeta2, step.RootCorrection, step.Epsilon, step.StepSize]);

    /// <summary>The Euclidean norm of fp32 <c>[count]</c>, summed in fp64.</summary>
    public double Norm(Tensor x)
    {
        using var scope = NewDisposeScope();
        var pieces = (x.numel() + Piece - 1) / Piece;
        var sums = empty([pieces], ScalarType.Float64, x.device);
        launcher.Launch("square_sums", (uint)Math.Min(pieces, MostBlocks), 1, [x, x.numel(), Piece, sums]);
        var sum = 0.0;
        foreach (var piece in sums.cpu().data<double>()) sum += piece;
        return Math.Sqrt(sum);
    }

    private void Launch(string kernel, long work, ReadOnlySpan<KernelArgument> arguments) => launcher.Launch(kernel, Blocks(work), 1, arguments);

    private void LaunchRows(string kernel, long rows, ReadOnlySpan<KernelArgument> arguments) => launcher.Launch(kernel, (uint)Math.Min(rows, MostBlocks), 1, arguments);

    private static uint Blocks(long work) => (uint)Math.Clamp((work + Threads - 1) / Threads, 1, MostBlocks);

    private static string Typed(string kernel, Tensor x) => x.dtype == ScalarType.BFloat16 ? kernel + "_bf16" : kernel + "_f32";

    private static (long Rows, int Columns) Rows(Tensor x)
    {
        var n = checked((int)x.shape[^1]);
        return (x.numel() / n, n);
    }

    private sealed class Scope : IDisposable
    {
        public void Dispose() => standIn = null;
    }
}
