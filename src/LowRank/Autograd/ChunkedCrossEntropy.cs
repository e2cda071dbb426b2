using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>
/// The head and the cross-entropy over supervised tokens only, a chunk of tokens at a time, gradients in the same pass: the logits of a batch, which are
/// often larger than all activations together, never exist as a whole (as Liger-Kernel and Unsloth do).
/// </summary>
public static class ChunkedCrossEntropy
{
    /// <summary>Bytes that the logits of a chunk may take.</summary>
    private const long ChunkBytes = 64L << 20;

    /// <summary>Tokens in a chunk for a vocabulary.</summary>
    public static long TokensPerChunk(long vocabulary) => Math.Max(16, ChunkBytes / sizeof(float) / vocabulary);

    /// <summary>The summed loss, without gradients.</summary>
    /// <param name="hidden">States of the supervised tokens, <c>[tokens, hidden]</c>.</param>
    /// <param name="labels">The token that follows each, int64 <c>[tokens]</c>.</param>
    /// <param name="vocabulary">Rows of the head.</param>
    /// <param name="logits">Maps states to fp32 logits.</param>
    public static double Loss(Tensor hidden, Tensor labels, long vocabulary, Func<Tensor, Tensor> logits)
    {
        using var noGrad = no_grad();
        return Run(hidden, labels, vocabulary, (states, targets, _) =>
        {
            using var scope = NewDisposeScope();
            return nn.functional.cross_entropy(logits(states), targets, reduction: nn.Reduction.Sum).item<float>();
        });
    }

    /// <summary>
    /// The summed loss, and <paramref name="scale"/> times its gradient for <paramref name="hidden"/>. Gradients of parameters in the head are added to theirs.
    /// </summary>
    /// <param name="hidden">States of the supervised tokens, <c>[tokens, hidden]</c>; only their values are used.</param>
    /// <param name="labels">The token that follows each, int64 <c>[tokens]</c>.</param>
    /// <param name="vocabulary">Rows of the head.</param>
    /// <param name="logits">Maps states to fp32 logits.</param>
    /// <param name="scale">Factor of the gradients: one by the number of supervised tokens of the effective batch.</param>
    public static (double Loss, Tensor Gradient) LossAndGradient(Tensor hidden, Tensor labels, long vocabulary, Func<Tensor, Tensor> logits, double scale)
    {
        using var scope = NewDisposeScope();
        var gradient = empty_like(hidden.detach());
        using var factor = tensor((float)scale, device: hidden.device);
        var loss = Run(hidden, labels, vocabulary, (states, targets, start) =>
        {
            using var chunk = NewDisposeScope();
            var leaf = states.detach().requires_grad_(true);
            var sum = nn.functional.cross_entropy(logits(leaf), targets, reduction: nn.Reduction.Sum);
            BackwardPass.Run(sum, factor);
            using var noGrad = no_grad();
            gradient.narrow(0, start, leaf.shape[0]).copy_(leaf.grad ?? throw new InvalidOperationException("The head gave no gradient for its input."));
            leaf.grad = null;
            return sum.item<float>();
        });
        return (loss, gradient.MoveToOuterDisposeScope());
    }

    private static double Run(Tensor hidden, Tensor labels, long vocabulary, Func<Tensor, Tensor, long, float> chunk)
    {
        var (count, size) = (hidden.shape[0], TokensPerChunk(vocabulary));
        var total = 0.0;
        for (long start = 0; start < count; start += size)
        {
            var length = Math.Min(size, count - start);
            using var states = hidden.detach().narrow(0, start, length);
            using var targets = labels.narrow(0, start, length);
            total += chunk(states, targets, start);
        }
        return total;
    }
}
