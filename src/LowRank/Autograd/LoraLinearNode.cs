using LowRank.Kernels.Cpu;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>
/// <c>y = x · Wᵀ + b + s · (x · Aᵀ) · Bᵀ</c> with frozen <c>W</c> and <c>b</c>. It keeps the input and <c>x · Aᵀ</c>; the gradient of the input is one product with the weight,
/// to which the adapter's share is added in place, and none where nothing below is trained.
/// </summary>
internal sealed class LoraLinearNode : AutogradNode
{
    private readonly FrozenWeight weight;
    private readonly float scale;
    private readonly Tensor x;
    private readonly Tensor a;
    private readonly Tensor b;
    private readonly Tensor down;

    private LoraLinearNode(FrozenWeight weight, double scale, Tensor x, Tensor a, Tensor b, Tensor down)
    {
        (this.weight, this.scale) = (weight, (float)scale);
        (this.x, this.a, this.b) = (x.detach().DetachFromDisposeScope(), a.detach().DetachFromDisposeScope(), b.detach().DetachFromDisposeScope());
        this.down = down.DetachFromDisposeScope();
    }

    /// <summary>The layer's output for <paramref name="x"/> <c>[.., in]</c>: <c>[.., out]</c>.</summary>
    /// <param name="x">fp32 input.</param>
    /// <param name="weight">W <c>[out, in]</c>.</param>
    /// <param name="bias">b <c>[out]</c>, frozen, or null.</param>
    /// <param name="a">A <c>[r, in]</c>.</param>
    /// <param name="b">B <c>[out, r]</c>.</param>
    /// <param name="scale">s.</param>
    public static Tensor Apply(Tensor x, FrozenWeight weight, Tensor? bias, Tensor a, Tensor b, double scale)
    {
        using var scope = NewDisposeScope();
        Tensor y, down;
        var dense = x.contiguous();
        using (no_grad())
        {
            y = weight.Linear(dense);
            if (bias is not null) y.add_(bias.to(y.dtype));
            down = dense.view(-1, weight.InFeatures).mm(a.t());
            y.view(-1, weight.OutFeatures).addmm_(down, b.t(), 1, (float)scale);
        }
        if (IsNeeded(dense, a, b)) y = new LoraLinearNode(weight, scale, dense, a, b, down).Attach([dense, a, b], y);
        return y.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Backward(Tensor gradOutput, Span<Tensor?> gradInputs)
    {
        var g = gradOutput.contiguous();
        var rows = g.view(-1, weight.OutFeatures);
        var ddown = Scaled(rows.mm(b));
        if (IsAsked(0))
        {
            var dx = weight.LinearBackward(g);
            dx.view(-1, weight.InFeatures).addmm_(ddown, a);
            gradInputs[0] = dx;
        }
        if (IsAsked(1)) gradInputs[1] = ddown.t().mm(x.view(-1, weight.InFeatures));
        if (IsAsked(2)) gradInputs[2] = Scaled(rows.t().mm(down));
    }

    // TorchSharp's scalars may be freed by a collection while the call that reads them still runs: none in what every step does.
    private Tensor Scaled(Tensor x)
    {
        if (scale == 1) return x;
        if (x.device_type != DeviceType.CPU) return x.mul_(scale);
        FlatKernels.Multiply(TensorMemory.Elements<float>(x), scale);
        return x;
    }

    /// <inheritdoc/>
    protected override void Release()
    {
        x.Dispose();
        a.Dispose();
        b.Dispose();
        down.Dispose();
    }
}
