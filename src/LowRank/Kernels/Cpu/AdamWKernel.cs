using System.Numerics;

namespace LowRank.Kernels.Cpu;

/// <summary>One AdamW step with fp32 moments over a piece of the flat buffers, on the calling thread. Lanes and remainder do the same operations: pieces may be cut anywhere.</summary>
internal static unsafe class AdamWKernel
{
    /// <summary>Updates moments and values.</summary>
    public static void Update(float* values, float* gradients, float* first, float* second, int count, in AdamWStep step)
    {
        var lanes = Vector<float>.Count;
        var i = 0;
        var keep = new Vector<float>(step.Keep);
        var oneMinusBeta1 = new Vector<float>(step.OneMinusBeta1);
        var (beta2, oneMinusBeta2) = (new Vector<float>(step.Beta2), new Vector<float>(step.OneMinusBeta2));
        var (root, epsilon, size) = (new Vector<float>(step.RootCorrection), new Vector<float>(step.Epsilon), new Vector<float>(step.StepSize));
        for (; i <= count - lanes; i += lanes)
        {
            var gradient = Vector.Load(gradients + i);
            var mean = Vector.Load(first + i);
            mean += oneMinusBeta1 * (gradient - mean);
            var square = Vector.Load(second + i) * beta2 + oneMinusBeta2 * gradient * gradient;
            Vector.Store(mean, first + i);
            Vector.Store(square, second + i);
            Vector.Store(Vector.Load(values + i) * keep - size * mean / (Vector.SquareRoot(square) / root + epsilon), values + i);
        }
        for (; i < count; i++)
        {
            first[i] += step.OneMinusBeta1 * (gradients[i] - first[i]);
            second[i] = second[i] * step.Beta2 + step.OneMinusBeta2 * gradients[i] * gradients[i];
            values[i] = values[i] * step.Keep - step.StepSize * first[i] / (MathF.Sqrt(second[i]) / step.RootCorrection + step.Epsilon);
        }
    }
}
