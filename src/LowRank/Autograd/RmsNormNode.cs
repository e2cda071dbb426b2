using LowRank.Kernels.Cpu;
using LowRank.Kernels.Cuda;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>Root-mean-square normalisation of fp32 values on the CPU, of fp32 and bf16 values on a GPU with <see cref="CudaKernels"/>. Of the forward pass it keeps one number a row beside the input, which is there anyway.</summary>
internal sealed unsafe class RmsNormNode : AutogradNode
{
    private readonly Tensor x;
    private readonly Tensor weight;
    private readonly Tensor factors;

    private readonly double epsilon;
    private readonly bool roundFirst;

    private RmsNormNode(Tensor x, Tensor weight, Tensor factors, double epsilon, bool roundFirst)
    {
        (this.x, this.weight, this.factors) = (x.detach().DetachFromDisposeScope(), weight.detach().DetachFromDisposeScope(), factors.DetachFromDisposeScope());
        (this.epsilon, this.roundFirst) = (epsilon, roundFirst);
    }

    /// <summary>Whether this node can take the input; else the operations of tensors are used.</summary>
    public static bool Handles(Tensor x) => x.numel() > 0 && ((x.dtype == ScalarType.Float32 && x.device_type == DeviceType.CPU) || CudaKernels.ForActivations(x) is not null);

    /// <summary><c>x / sqrt(mean(x²) + ε) · weight</c> over the last dimension.</summary>
    /// <param name="x"><c>[.., features]</c>.</param>
    /// <param name="weight">fp32 <c>[features]</c>.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="roundFirst">Whether the normed value and the weight are rounded to a 16-bit input's type before they are multiplied.</param>
    public static Tensor Apply(Tensor x, Tensor weight, double epsilon, bool roundFirst)
    {
        using var scope = NewDisposeScope();
        var dense = x.contiguous();
        Tensor y, factors;
        using (no_grad())
        {
            factors = empty([x.numel() / x.shape[^1]], ScalarType.Float32, x.device);
            y = Value(dense, weight, factors, epsilon, roundFirst);
        }
        if (IsNeeded(dense, weight)) y = new RmsNormNode(dense, weight, factors, epsilon, roundFirst).Attach([dense, weight], y);
        return y.MoveToOuterDisposeScope();
    }

    private static Tensor Value(Tensor x, Tensor weight, Tensor factors, double epsilon, bool roundFirst)
    {
        Tensor y;
        if (CudaKernels.ForActivations(x) is { } kernels)
        {
            y = empty_like(x);
            kernels.RmsNormForward(x, weight, epsilon, roundFirst, y, factors);
            return y;
        }
        y = PooledTensor.Empty(x.shape);
        var n = (int)x.shape[^1];
        RmsNormKernel.Forward(TensorMemory.Floats(x), TensorMemory.Floats(weight), epsilon, x.numel() / n, n, TensorMemory.Floats(y), TensorMemory.Floats(factors));
        return y;
    }

    /// <inheritdoc/>
    protected override bool MakesAgain => true;

    /// <inheritdoc/>
    public override Tensor Again() => Value(x, weight, factors, epsilon, roundFirst);

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs)
    {
        var g = gradOutputs[0]!.contiguous();
        if (CudaKernels.ForActivations(x) is { } kernels)
        {
            if (IsAsked(0)) kernels.RmsNormBackward(g, x, weight, factors, gradInputs[0] = empty_like(x));
            if (IsAsked(1)) kernels.RmsNormWeightGradient(g, x, factors, gradInputs[1] = empty_like(weight));
            return;
        }
        var n = (int)x.shape[^1];
        var rows = x.numel() / n;
        if (IsAsked(0))
        {
            var dx = PooledTensor.Empty(x.shape);
            RmsNormKernel.Backward(TensorMemory.Floats(g), TensorMemory.Floats(x), TensorMemory.Floats(weight), TensorMemory.Floats(factors), rows, n, TensorMemory.Floats(dx));
            gradInputs[0] = dx;
        }
        if (!IsAsked(1)) return;
        var dw = empty([n], ScalarType.Float32);
        RmsNormKernel.WeightGradient(TensorMemory.Floats(g), TensorMemory.Floats(x), TensorMemory.Floats(factors), rows, n, TensorMemory.Floats(dw));
        gradInputs[1] = dw;
    }

    /// <inheritdoc/>
    protected override void Release()
    {
        x.Dispose();
        weight.Dispose();
        factors.Dispose();
    }
}
