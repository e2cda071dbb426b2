using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>
/// A trained tensor. Its value is fp32 and a leaf of the graph. <see cref="Optimizers.FlatParameters"/> moves the values of all parameters of
/// a run into one buffer, and their gradients into another; layers therefore hold this object and read <see cref="Value"/> at each use.
/// </summary>
public sealed class TrainableParameter : IDisposable
{
    /// <summary>Takes over <paramref name="initial"/> as the value of the parameter named <paramref name="name"/>.</summary>
    /// <param name="name">Its dotted name in the model, with the ending it has in an adapter file, such as <c>model.layers.0.self_attn.q_proj.lora_A.weight</c>.</param>
    /// <param name="initial">An fp32 tensor of any shape; it is no longer the caller's.</param>
    public TrainableParameter(string name, Tensor initial)
    {
        if (initial.dtype != ScalarType.Float32) throw new ArgumentException($"{name}: a trained parameter is fp32, not {initial.dtype}.", nameof(initial));
        Name = name;
        Shape = initial.shape;
        Value = initial.DetachFromDisposeScope();
        Value.requires_grad_(true);
    }

    /// <summary>The dotted name.</summary>
    public string Name { get; }

    /// <summary>The shape.</summary>
    public long[] Shape { get; }

    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (a, b) => a * b);

    /// <summary>The value: fp32, requires a gradient. Its storage may change when an optimizer takes it over, so do not keep it.</summary>
    public Tensor Value { get; private set; }

    /// <summary>
    /// Grows whenever optimizers or <see cref="Set"/> have changed parameters of any model: what is computed from values and kept holds as long as it stands still.
    /// </summary>
    internal static long Changes => Interlocked.Read(ref changes);
    private static long changes;

    /// <summary>Tells that values of parameters were changed in place.</summary>
    internal static void Changed() => Interlocked.Increment(ref changes);

    /// <summary>Replaces the value's elements by those of <paramref name="source"/>, whose shape must be equal.</summary>
    public void Set(Tensor source)
    {
        if (!source.shape.AsSpan().SequenceEqual(Shape))
            throw new ArgumentException($"{Name} has shape [{string.Join(", ", Shape)}], the new value [{string.Join(", ", source.shape)}].", nameof(source));
        using var noGrad = no_grad();
        Value.copy_(source);
        Changed();
    }

    /// <summary>Whether the value gets no gradients any more: it belongs to the adapter, and no optimizer moves it.</summary>
    internal bool IsFrozen => !Value.requires_grad;

    /// <summary>Keeps the value as it is: layers compute no gradient for it, and keep nothing that one would need. Before the parameter lives in a flat buffer.</summary>
    internal void Freeze() => Value.requires_grad_(false);

    /// <summary>Lets the value live in <paramref name="storage"/> and its gradient in <paramref name="gradient"/>, both views of this shape.</summary>
    internal void MoveTo(Tensor storage, Tensor gradient)
    {
        using (no_grad()) storage.copy_(Value);
        Value.Dispose();
        Value = storage.DetachFromDisposeScope();
        Value.requires_grad_(true);
        Value.grad = gradient;
    }

    /// <inheritdoc/>
    public void Dispose() => Value.Dispose();
}
