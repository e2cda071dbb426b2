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
        var total = 0.0;
        Forward(hidden, labels, vocabulary, logits, (_, losses) => total += losses.Sum());
        return total;
    }

    /// <summary>The loss of each token, <c>[tokens]</c>, without gradients; parameters as those of <see cref="Loss"/>.</summary>
    internal static double[] Losses(Tensor hidden, Tensor labels, long vocabulary, Func<Tensor, Tensor> logits)
    {
        var all = new double[hidden.shape[0]];
        Forward(hidden, labels, vocabulary, logits, (start, losses) => losses.CopyTo(all, start));
        return all;
    }

    /// <summary>
    /// The summed loss, and <paramref name="scale"/> times its gradient for <paramref name="hidden"/>. Gradients of parameters in the head are added to theirs.
    /// </summary>
    /// <param name="hidden">States of the supervised tokens, <c>[tokens, hidden]</c>; only their values are used.</param>
    /// <param name="labels">The token that follows each, int64 <c>[tokens]</c>.</param>
    /// <param name="vocabulary">Rows of the head.</param>
    /// <param name="logits">Maps states to fp32 logits.</param>
    /// <param name="scale">Factor of the gradients: one by the number of supervised tokens of the effective batch.</param>
    public static (double Loss, Tensor Gradient) LossAndGradient(Tensor hidden, Tensor labels, long vocabulary, Func<Tensor, Tensor> logits, double scale) =>
        LossAndGradient(hidden, labels, vocabulary, logits, scale, 0);

    /// <summary>The same with label smoothing, as torch's cross-entropy has it: a share of each label's weight is spread evenly over the whole vocabulary.</summary>
    internal static (double Loss, Tensor Gradient) LossAndGradient(Tensor hidden, Tensor labels, long vocabulary, Func<Tensor, Tensor> logits, double scale, double smoothing)
    {
        var total = 0.0;
        var gradient = Backward(hidden, labels, vocabulary, logits, (scores, targets, _) =>
        {
            var (losses, scoreGradient) = ForwardBackward(scores, targets, scale, smoothing);
            total += losses.Sum();
            return scoreGradient;
        });
        return (total, gradient);
    }

    /// <summary>
    /// The loss of each token, and for each state the gradient of its own loss times its weight. Gradients of parameters in the head are added to theirs.
    /// </summary>
    /// <param name="hidden">States, <c>[tokens, hidden]</c>; only their values are used.</param>
    /// <param name="labels">The token that follows each, int64 <c>[tokens]</c>.</param>
    /// <param name="vocabulary">Rows of the head.</param>
    /// <param name="logits">Maps states to fp32 logits.</param>
    /// <param name="weights">fp32 <c>[tokens]</c>; null for ones: over a frozen head the rows can be multiplied afterwards, when weights depend on the losses.</param>
    internal static (double[] Losses, Tensor Gradient) LossesAndGradient(Tensor hidden, Tensor labels, long vocabulary, Func<Tensor, Tensor> logits, Tensor? weights)
    {
        var all = new double[hidden.shape[0]];
        var gradient = Backward(hidden, labels, vocabulary, logits, (scores, targets, start) =>
        {
            var (losses, scoreGradient) = ForwardBackward(scores, targets, 1, 0);
            losses.CopyTo(all, start);
            return weights is null ? scoreGradient : scoreGradient.mul_(weights.narrow(0, start, targets.shape[0]).unsqueeze(1));
        });
        return (all, gradient);
    }

    private static void Forward(Tensor hidden, Tensor labels, long vocabulary, Func<Tensor, Tensor> logits, Action<long, double[]> take)
    {
        using var noGrad = no_grad();
        Run(hidden, labels, vocabulary, (states, targets, start) =>
        {
            using var scope = NewDisposeScope();
            take(start, Forward(logits(states), targets));
        });
    }

    private static Tensor Backward(Tensor hidden, Tensor labels, long vocabulary, Func<Tensor, Tensor> logits, Func<Tensor, Tensor, long, Tensor> gradientOfScores)
    {
        using var scope = NewDisposeScope();
        var gradient = hidden.device_type == DeviceType.CPU ? PooledTensor.Empty(hidden.shape, hidden.dtype) : empty_like(hidden.detach());
        Run(hidden, labels, vocabulary, (states, targets, start) =>
        {
            using var chunk = NewDisposeScope();
            var leaf = states.detach().requires_grad_(true);
            var scores = logits(leaf);
            Tensor scoreGradient;
            using (no_grad()) scoreGradient = gradientOfScores(scores.detach(), targets, start);
            BackwardPass.Run(scores, scoreGradient);
            using var noGrad = no_grad();
            gradient.narrow(0, start, leaf.shape[0]).copy_(leaf.grad ?? throw new InvalidOperationException("The head gave no gradient for its input."));
            leaf.grad = null;
        });
        return gradient.MoveToOuterDisposeScope();
    }

    private static double[] Forward(Tensor scores, Tensor targets) => KernelsFor(scores) is { } kernels ? kernels.CrossEntropies(scores, targets, null)
        : CrossEntropyKernel.Handles(scores) ? CrossEntropyKernel.Losses(scores, MemoryMarshal.Cast<byte, long>(targets.bytes))
        : Doubles(scores.logsumexp(1) - scores.gather(1, targets.unsqueeze(1)).squeeze(1));

    // Smoothing asks nothing of the kernels: log Σ eˣ - (1 - ε) x_label - ε mean(x) is the plain loss and ε times how far the label's logit stands above the mean of all, which two
    // passes over the chunk's logits add to loss and gradient.
    private static (double[] Losses, Tensor Gradient) ForwardBackward(Tensor scores, Tensor targets, double scale, double smoothing)
    {
        if (smoothing == 0) return ForwardBackward(scores, targets, scale);
        var column = targets.unsqueeze(1);
        var above = Doubles(scores.gather(1, column).squeeze(1) - scores.mean([1]));
        var (losses, gradient) = ForwardBackward(scores, targets, scale);
        for (var i = 0; i < losses.Length; i++) losses[i] += smoothing * above[i];
        return (losses, gradient.sub_(Scalars.Of((float)(scale * smoothing / scores.shape[1]))).scatter_add_(1, column, full_like(column, Scalars.Of(scale * smoothing), ScalarType.Float32)));
    }

    // The kernel writes over the logits: no operation that makes logits keeps its result for its own backward.
    private static (double[] Losses, Tensor Gradient) ForwardBackward(Tensor scores, Tensor targets, double scale)
    {
        if (KernelsFor(scores) is { } kernels) return (kernels.CrossEntropies(scores, targets, scale), scores);
        if (CrossEntropyKernel.Handles(scores)) return (CrossEntropyKernel.LossesAndGradient(scores, MemoryMarshal.Cast<byte, long>(targets.bytes), scale), scores);
        return PlainLossesAndGradient(scores, targets, scale);
    }

    private static CudaKernels? KernelsFor(Tensor scores) => scores.dtype == ScalarType.Float32 && scores.is_contiguous() ? CudaKernels.For(scores) : null;

    /// <summary>The kernels' plain twin. d loss / d logit = softmax, less 1 at the target.</summary>
    internal static (double Loss, Tensor Gradient) PlainForwardBackward(Tensor scores, Tensor targets, double scale)
    {
        var (losses, gradient) = PlainLossesAndGradient(scores, targets, scale);
        return (losses.Sum(), gradient);
    }

    private static (double[] Losses, Tensor Gradient) PlainLossesAndGradient(Tensor scores, Tensor targets, double scale)
    {
        var column = targets.unsqueeze(1);
        var logSum = scores.logsumexp(1, keepdim: true);
        var losses = Doubles((logSum - scores.gather(1, column)).squeeze(1));
        var gradient = (scores - logSum).exp_();
        return (losses, gradient.scatter_add_(1, column, full_like(column, Scalars.Of(-1), ScalarType.Float32)).mul_(Scalars.Of((float)scale)));
    }

    private static double[] Doubles(Tensor x) => x.to(ScalarType.Float64).cpu().data<double>().ToArray();

    private static void Run(Tensor hidden, Tensor labels, long vocabulary, Action<Tensor, Tensor, long> chunk)
    {
        var (count, size) = (hidden.shape[0], TokensPerChunk(vocabulary));
        for (long start = 0; start < count; start += size)
        {
            var length = Math.Min(size, count - start);
            using var states = hidden.detach().narrow(0, start, length);
            using var targets = labels.narrow(0, start, length);
            chunk(states, targets, start);
        }
    }
}
