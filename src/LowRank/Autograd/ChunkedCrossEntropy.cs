using System.Runtime.InteropServices;
using LowRank.Kernels.Cpu;
using LowRank.Kernels.Cuda;
using LowRank.Runtime.Interop;
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
            return Forward(logits(states), targets);
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
        var gradient = hidden.device_type == DeviceType.CPU ? PooledTensor.Empty(hidden.shape, hidden.dtype) : empty_like(hidden.detach());
        var loss = Run(hidden, labels, vocabulary, (states, targets, start) =>
        {
            using var chunk = NewDisposeScope();
            var leaf = states.detach().requires_grad_(true);
            var scores = logits(leaf);
            var (loss, scoreGradient) = ForwardBackward(scores.detach(), targets, scale);
            BackwardPass.Run(scores, scoreGradient);
            using var noGrad = no_grad();
            gradient.narrow(0, start, leaf.shape[0]).copy_(leaf.grad ?? throw new InvalidOperationException("The head gave no gradient for its input."));
            leaf.grad = null;
            return loss;
        });
        return (loss, gradient.MoveToOuterDisposeScope());
    }

    private static double Forward(Tensor scores, Tensor targets) => KernelsFor(scores) is { } kernels ? kernels.CrossEntropy(scores, targets, null)
        : CrossEntropyKernel.Handles(scores) ? CrossEntropyKernel.Loss(scores, MemoryMarshal.Cast<byte, long>(targets.bytes))
        : (scores.logsumexp(1, keepdim: true) - scores.gather(1, targets.unsqueeze(1))).sum(ScalarType.Float64).item<double>();

    // The kernel writes over the logits: no operation that makes logits keeps its result for its own backward.
    private static (double Loss, Tensor Gradient) ForwardBackward(Tensor scores, Tensor targets, double scale)
    {
        using var noGrad = no_grad();
        if (KernelsFor(scores) is { } kernels) return (kernels.CrossEntropy(scores, targets, scale), scores);
        if (CrossEntropyKernel.Handles(scores)) return (CrossEntropyKernel.LossAndGradient(scores, MemoryMarshal.Cast<byte, long>(targets.bytes), scale), scores);
        return PlainForwardBackward(scores, targets, scale);
    }

    private static CudaKernels? KernelsFor(Tensor scores) => scores.dtype == ScalarType.Float32 && scores.is_contiguous() ? CudaKernels.For(scores) : null;

    /// <summary>The kernels' plain twin. d loss / d logit = softmax, less 1 at the target.</summary>
    internal static (double Loss, Tensor Gradient) PlainForwardBackward(Tensor scores, Tensor targets, double scale)
    {
        var column = targets.unsqueeze(1);
        var logSum = scores.logsumexp(1, keepdim: true);
        var loss = (logSum - scores.gather(1, column)).sum(ScalarType.Float64).item<double>();
        var gradient = (scores - logSum).exp_();
        return (loss, gradient.scatter_add_(1, column, full_like(column, -1, ScalarType.Float32)).mul_((float)scale));
    }

    private static double Run(Tensor hidden, Tensor labels, long vocabulary, Func<Tensor, Tensor, long, double> chunk)
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
