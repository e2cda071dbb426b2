using LowRank.Kernels.Cpu;
using LowRank.Kernels.Cuda;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>
/// <c>act(gate) · up</c> of fp32 values on the CPU, of fp32 and bf16 values on a GPU with <see cref="CudaKernels"/>, with act = silu or the tanh form of gelu. It keeps the two inputs; the activation is computed again in the
/// backward pass, which writes the gradients over them.
/// </summary>
internal sealed unsafe class GatedActivationNode : AutogradNode
{
    private readonly bool gelu;
    private readonly Tensor gate;
    private readonly Tensor up;

    private GatedActivationNode(Tensor gate, Tensor up, bool gelu) => (this.gate, this.up, this.gelu) = (gate.detach().DetachFromDisposeScope(), up.detach().DetachFromDisposeScope(), gelu);

    /// <summary>Whether this node can take the inputs; else the operations of tensors are used.</summary>
    public static bool Handles(Tensor gate, Tensor up) =>
        gate.dtype == up.dtype && gate.is_contiguous() && up.is_contiguous() && gate.numel() > 0
        && ((gate.dtype == ScalarType.Float32 && gate.device_type == DeviceType.CPU) || CudaKernels.ForActivations(gate) is not null);

    /// <summary>
    /// The activation of <paramref name="gate"/> times <paramref name="up"/>. Both must be results that no other operation reads or keeps, as those of linear layers are: their
    /// memory is the gradients' in the backward pass, and the result's where none follows.
    /// </summary>
    public static Tensor Apply(Tensor gate, Tensor up, bool gelu)
    {
        using var scope = NewDisposeScope();
        var isNeeded = IsNeeded(gate, up);
        Tensor y;
        using (no_grad()) y = Value(gate, up, gelu, isNeeded);
        if (isNeeded) y = new GatedActivationNode(gate, up, gelu).Attach([gate, up], y);
        return y.MoveToOuterDisposeScope();
    }

    private static Tensor Value(Tensor gate, Tensor up, bool gelu, bool isApart)
    {
        Tensor y;
        if (CudaKernels.ForActivations(gate) is { } kernels)
        {
            y = isApart ? empty_like(gate) : gate.alias();
            kernels.GatedForward(gelu, gate, up, y);
        }
        else
        {
            y = isApart ? PooledTensor.Empty(gate.shape) : gate.alias();
            GatedKernel.Forward(gelu, TensorMemory.Floats(gate), TensorMemory.Floats(up), gate.numel(), TensorMemory.Floats(y));
        }
        return y;
    }

    /// <inheritdoc/>
    protected override bool MakesAgain => true;

    /// <inheritdoc/>
    public override Tensor Again() => Value(gate, up, gelu, isApart: true);

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs)
    {
        var dy = gradOutputs[0]!.contiguous();
        if (CudaKernels.ForActivations(gate) is { } kernels) kernels.GatedBackward(gelu, dy, gate, up);
        else GatedKernel.Backward(gelu, TensorMemory.Floats(dy), TensorMemory.Floats(gate), TensorMemory.Floats(up), gate.numel(), TensorMemory.Floats(gate), TensorMemory.Floats(up));
        if (IsAsked(0)) gradInputs[0] = gate.alias();
        if (IsAsked(1)) gradInputs[1] = up.alias();
    }

    /// <inheritdoc/>
    protected override void Release()
    {
        gate.Dispose();
        up.Dispose();
    }
}
