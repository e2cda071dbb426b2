using LowRank.Kernels.Cuda;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>
/// Rotary position embedding by <see cref="CudaKernels"/>, for heads whose attention the library computes. It keeps the angles alone, which all layers share: the gradient of a rotation is
/// the rotation back.
/// </summary>
internal sealed class RotaryNode : AutogradNode
{
    private readonly Tensor cosine;
    private readonly Tensor sine;
    private readonly int headSize;

    private RotaryNode(Tensor cosine, Tensor sine, int headSize) =>
        (this.cosine, this.sine, this.headSize) = (cosine.detach().DetachFromDisposeScope(), sine.detach().DetachFromDisposeScope(), headSize);

    /// <summary>Whether this node can take the heads; else the operations of tensors are used.</summary>
    public static bool Handles(Tensor heads, Tensor cosine) => heads.dtype == cosine.dtype && heads.is_contiguous() && CudaKernels.ForActivations(heads) is not null;

    /// <summary>
    /// The rotated heads, in the memory of <paramref name="heads"/>: they must be results that no other operation reads or keeps, as those of linear layers and norms are.
    /// </summary>
    /// <param name="heads"><c>[batch, length, ..]</c> with the heads side by side.</param>
    /// <param name="cosine">Cosines of the angles, <c>[batch, 1, length, half]</c>.</param>
    /// <param name="sine">Sines, as the cosines.</param>
    /// <param name="headSize">Values of a head, at least 2 · half.</param>
    public static Tensor Apply(Tensor heads, Tensor cosine, Tensor sine, int headSize)
    {
        using var scope = NewDisposeScope();
        var (c, s) = (cosine.contiguous(), sine.contiguous());
        Tensor y;
        using (no_grad())
        {
            y = heads.detach();
            CudaKernels.For(heads)!.Rotate(heads, c, s, headSize, back: false, y);
        }
        if (IsNeeded(heads)) y = new RotaryNode(c, s, headSize).Attach([heads], y);
        return y.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs)
    {
        var arrived = gradOutputs[0]!;
        var g = arrived.contiguous();
        // A copy made here is nobody else's and is rotated where it lies; a gradient that arrived dense may be read by others.
        var dx = TensorMemory.DataPointer(g) == TensorMemory.DataPointer(arrived) ? empty_like(g) : g;
        CudaKernels.For(g)!.Rotate(g, cosine, sine, headSize, back: true, dx);
        gradInputs[0] = dx;
    }

    /// <inheritdoc/>
    protected override void Release()
    {
        cosine.Dispose();
        sine.Dispose();
    }
}
