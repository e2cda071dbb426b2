using LowRank.Kernels.Cpu;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>
/// Rotary position embedding and causal attention of fp32 heads on the CPU (<see cref="AttentionKernel"/>). It keeps the rotated queries and keys, the values, and one number
/// for each query and head; no scores, no probabilities, no copies of grouped heads.
/// </summary>
internal sealed unsafe class AttentionNode : AutogradNode
{
    private readonly AttentionShape shape;
    private readonly Rotation rotation;
    private readonly SeenKeys seen;
    private readonly Tensor q;
    private readonly Tensor k;
    private readonly Tensor v;
    private readonly Tensor logSums;

    private AttentionNode(AttentionShape shape, Rotation rotation, SeenKeys seen, Tensor q, Tensor k, Tensor v, Tensor logSums)
    {
        (this.shape, this.seen) = (shape, seen);
        this.rotation = rotation.Keep();
        (this.q, this.k, this.v) = (q.detach().DetachFromDisposeScope(), k.detach().DetachFromDisposeScope(), v.detach().DetachFromDisposeScope());
        this.logSums = logSums.DetachFromDisposeScope();
    }

    /// <summary>Whether this node can take the inputs; else the operations of tensors are used.</summary>
    public static bool Handles(Tensor q, Tensor k, Tensor v) =>
        q.device_type == DeviceType.CPU && q.dtype == ScalarType.Float32 && k.dtype == ScalarType.Float32 && v.dtype == ScalarType.Float32 && q.numel() > 0;

    /// <summary>
    /// The attention of a batch of whole sequences: <c>[batch, length, heads · headSize]</c>. Queries and keys are rotated where they lie, so they must be results that no other
    /// operation reads or keeps, as those of linear layers and norms are.
    /// </summary>
    /// <param name="q">Queries before their rotation, <c>[batch, length, heads · headSize]</c>.</param>
    /// <param name="k">Keys before their rotation, <c>[batch, length, keyValueHeads · headSize]</c>.</param>
    /// <param name="v">Values, as the keys.</param>
    /// <param name="cosine">Cosines of the angles, <c>[batch, 1, length, half]</c>.</param>
    /// <param name="sine">Sines, as the cosines.</param>
    /// <param name="seen">The keys that each query sees.</param>
    /// <param name="shape">Sizes and rules.</param>
    public static Tensor Apply(Tensor q, Tensor k, Tensor v, Tensor cosine, Tensor sine, SeenKeys seen, AttentionShape shape)
    {
        using var scope = NewDisposeScope();
        var (dq, dk, dv) = (q.contiguous(), k.contiguous(), v.contiguous());
        var rotation = new Rotation(cosine.contiguous(), sine.contiguous());
        Tensor output, logSums;
        using (no_grad())
        {
            output = PooledTensor.Empty([shape.Batch, shape.Length, shape.QueryRow]);
            logSums = PooledTensor.Empty([shape.Batch, shape.Heads, shape.Length]);
            rotation.Apply(dq, shape, shape.Heads, back: false);
            rotation.Apply(dk, shape, shape.KeyValueHeads, back: false);
            fixed (int* first = seen.First, start = seen.SharedStart, end = seen.SharedEnd)
                AttentionKernel.Forward(shape, TensorMemory.Floats(dq), TensorMemory.Floats(dk), TensorMemory.Floats(dv), new(first, start, end), TensorMemory.Floats(output), TensorMemory.Floats(logSums));
        }
        if (IsNeeded(dq, dk, dv)) output = new AttentionNode(shape, rotation, seen, dq, dk, dv, logSums).Attach([dq, dk, dv], output);
        return output.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs)
    {
        var g = gradOutputs[0]!.contiguous();
        var (dq, dk, dv) = (PooledTensor.Empty(q.shape), PooledTensor.Empty(k.shape), PooledTensor.Empty(v.shape));
        fixed (int* first = seen.First, start = seen.SharedStart, end = seen.SharedEnd)
            AttentionKernel.Backward(shape, TensorMemory.Floats(q), TensorMemory.Floats(k), TensorMemory.Floats(v), new(first, start, end), TensorMemory.Floats(logSums), TensorMemory.Floats(g), TensorMemory.Floats(dq), TensorMemory.Floats(dk), TensorMemory.Floats(dv));
        rotation.Apply(dq, shape, shape.Heads, back: true);
        rotation.Apply(dk, shape, shape.KeyValueHeads, back: true);
        if (IsAsked(0)) gradInputs[0] = dq;
        if (IsAsked(1)) gradInputs[1] = dk;
        if (IsAsked(2)) gradInputs[2] = dv;
    }

    /// <inheritdoc/>
    protected override void Release()
    {
        q.Dispose();
        k.Dispose();
        v.Dispose();
        logSums.Dispose();
        rotation.Dispose();
    }

    // The angles, shared by all layers: what keeps them holds handles of its own.
    private readonly record struct Rotation(Tensor Cosine, Tensor Sine)
    {
        public Rotation Keep() => new(Cosine.detach().DetachFromDisposeScope(), Sine.detach().DetachFromDisposeScope());

        public void Apply(Tensor x, AttentionShape shape, int heads, bool back) =>
            RotaryKernel.Rotate(TensorMemory.Floats(x), TensorMemory.Floats(Cosine), TensorMemory.Floats(Sine), (long)shape.Batch * shape.Length, heads, shape.HeadSize, (int)Cosine.shape[^1], back);

        public void Dispose()
        {
            Cosine.Dispose();
            Sine.Dispose();
        }
    }
}
