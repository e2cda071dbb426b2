using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// Cross-entropy of fp32 logits on the CPU, the gradient written over them: one pass for the maximum, one for the sum of exponentials, one for
/// the gradient, rows shared among threads. The sum runs in 16 fp32 lanes, as torch's <c>log_softmax</c> runs on a processor with AVX-512, whatever
/// this processor has: over 49,152 tokens the number of lanes shows in the fifth decimal of a loss (8 lanes 1.6e-5 too low, 16 half of that), and the
/// Python peers' figures come from such processors. The plain twin is <c>logsumexp</c> with tensors.
/// </summary>
internal static unsafe class CrossEntropyKernel
{
    private const int Lanes = 16;

    /// <summary>Whether this kernel can take the logits.</summary>
    public static bool Handles(Tensor logits) => logits.dtype == ScalarType.Float32 && logits.device_type == DeviceType.CPU && logits.is_contiguous();

    /// <summary>The summed loss of <paramref name="logits"/> <c>[tokens, vocabulary]</c> for <paramref name="targets"/> <c>[tokens]</c>.</summary>
    public static double Loss(Tensor logits, ReadOnlySpan<long> targets) => Losses(logits, targets).Sum();

    /// <summary>The loss of each token.</summary>
    public static double[] Losses(Tensor logits, ReadOnlySpan<long> targets) => Run(logits, targets, null);

    /// <summary>The summed loss; the logits' memory then holds <paramref name="scale"/> times its gradient for them.</summary>
    public static double LossAndGradient(Tensor logits, ReadOnlySpan<long> targets, double scale) => LossesAndGradient(logits, targets, scale).Sum();

    /// <summary>The loss of each token; the logits' memory then holds <paramref name="scale"/> times the gradient of their sum.</summary>
    public static double[] LossesAndGradient(Tensor logits, ReadOnlySpan<long> targets, double scale) => Run(logits, targets, (float)scale);

    private static double[] Run(Tensor logits, ReadOnlySpan<long> targets, float? scale)
    {
        var (rows, columns) = (checked((int)logits.shape[0]), checked((int)logits.shape[1]));
        if (targets.Length != rows) throw new ArgumentException($"{targets.Length} targets for {rows} rows of logits.", nameof(targets));
        foreach (var t in targets)
            if (t < 0 || t >= columns) throw new ArgumentOutOfRangeException(nameof(targets), $"The label {t} is outside the vocabulary of {columns} tokens.");
        var losses = new double[rows];
        fixed (byte* bytes = logits.bytes)
        fixed (long* labels = targets)
        {
            float* all = (float*)bytes;
            long* wanted = labels;
            TorchThreads.For(0, rows, 1, (from, to) =>
            {
                for (var r = from; r < to; r++)
                {
                    var row = all + r * columns;
                    var target = (int)wanted[r];
                    var max = VectorMath.Max(row, columns);
                    var sum = SumOfExponentials(row, columns, max);
                    // As log_softmax rounds: (logit - max) - log(sum).
                    losses[r] = -(row[target] - max - MathF.Log(sum));
                    if (scale is { } s) Gradient(row, columns, max, s / sum, target, s);
                }
            });
        }
        // In the order of tokens, so that their sum does not depend on the threads.
        return losses;
    }

    private static float SumOfExponentials(float* row, int count, float max)
    {
        var shift = Vector256.Create(max);
        Vector256<float> low = default, high = default;
        var i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            low += VectorMath.Exp(Vector256.Load(row + i) - shift);
            high += VectorMath.Exp(Vector256.Load(row + i + 8) - shift);
        }
        var sum = Vector256.Sum(low + high);
        for (; i < count; i++) sum += MathF.Exp(row[i] - max);
        return sum;
    }

    private static void Gradient(float* row, int count, float max, float factor, int target, float scale)
    {
        var (shift, by) = (Vector256.Create(max), Vector256.Create(factor));
        var i = 0;
        for (; i <= count - 8; i += 8) Vector256.Store(VectorMath.Exp(Vector256.Load(row + i) - shift) * by, row + i);
        for (; i < count; i++) row[i] = MathF.Exp(row[i] - max) * factor;
        row[target] -= scale;
    }
}
