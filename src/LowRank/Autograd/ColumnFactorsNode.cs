using LowRank.Kernels.Cpu;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>Each column of a tensor times a factor, and a frozen bias: <c>y = f ⊙ x + b</c>. fp32 values on the CPU in one pass forward and one backward; tensor operations serve everything else.</summary>
internal sealed unsafe class ColumnFactorsNode : AutogradNode
{
    private readonly Tensor? x;
    private readonly Tensor factors;

    private ColumnFactorsNode(Tensor? x, Tensor factors) => (this.x, this.factors) = (x?.detach().DetachFromDisposeScope(), factors.detach().DetachFromDisposeScope());

    /// <summary>The product.</summary>
    /// <param name="x"><c>[.., features]</c>.</param>
    /// <param name="factors">fp32 <c>[features]</c>.</param>
    /// <param name="bias"><c>[features]</c> without a gradient, or null.</param>
    public static Tensor Apply(Tensor x, Tensor factors, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        if (x.dtype != ScalarType.Float32 || x.device_type != DeviceType.CPU || x.numel() == 0 || bias is { requires_grad: true })
        {
            var product = x * factors.to(x.dtype);
            return (bias is null ? product : product.add(bias.to(x.dtype), Scalars.One)).MoveToOuterDisposeScope();
        }
        var (dense, f) = (x.contiguous(), factors.contiguous());
        Tensor y;
        using (no_grad())
        {
            y = PooledTensor.Empty(x.shape);
            var b = bias?.to(ScalarType.Float32).contiguous();
            ColumnFactorsKernel.Forward(TensorMemory.Floats(dense), TensorMemory.Floats(f), b is null ? null : TensorMemory.Floats(b), x.numel() / x.shape[^1], (int)x.shape[^1], TensorMemory.Floats(y));
        }
        // What was multiplied is kept only for the gradient of the factors.
        if (IsNeeded(dense, f)) y = new ColumnFactorsNode(f.requires_grad ? dense : null, f).Attach([dense, f], y);
        return y.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs)
    {
        var g = gradOutputs[0]!.contiguous();
        var n = (int)g.shape[^1];
        var rows = g.numel() / n;
        if (IsAsked(1))
        {
            var sums = empty([n], ScalarType.Float32);
            ColumnFactorsKernel.FactorGradient(TensorMemory.Floats(g), TensorMemory.Floats(x!), rows, n, TensorMemory.Floats(sums));
            gradInputs[1] = sums;
        }
        if (!IsAsked(0)) return;
        var dx = PooledTensor.Empty(g.shape);
        ColumnFactorsKernel.Forward(TensorMemory.Floats(g), TensorMemory.Floats(factors), null, rows, n, TensorMemory.Floats(dx));
        gradInputs[0] = dx;
    }

    /// <inheritdoc/>
    protected override void Release()
    {
        x?.Dispose();
        factors.Dispose();
    }
}
