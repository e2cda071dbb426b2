using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// One query's scores before scaling and dP = dO · Vᵀ, in the backward pass of attention. <see cref="Probabilities"/> and then <see cref="ScoreGradient"/> leave the probabilities in the place of
/// the one and in that of the other the gradient of the scores before scaling: s · P (dP - ΣP dP), times the slope of the cap. They are two because the sum runs over all keys that the query sees.
/// </summary>
internal readonly unsafe struct ScoreRow
{
    private readonly float* p;
    private readonly float* ds;
    private readonly int start;
    private readonly int end;
    private readonly int keys;

    /// <param name="at">The block.</param>
    /// <param name="query">The query in it.</param>
    /// <param name="scores">The block's scores.</param>
    /// <param name="gradients">The block's dP.</param>
    public ScoreRow(in AttentionBlock at, int query, float* scores, float* gradients)
    {
        p = scores + (long)query * at.Row;
        ds = gradients + (long)query * at.Row;
        keys = at.Keys;
        (start, end) = at.Visible(query);
    }

    /// <summary>Clears what the query does not see and gives its part of ΣP dP.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // not compiled ahead, and slow before it is tiered up
    public float Probabilities(float logSum, AttentionShape shape)
    {
        new Span<float>(p, start).Clear();
        new Span<float>(p + end, keys - end).Clear();
        new Span<float>(ds, start).Clear();
        new Span<float>(ds + end, keys - end).Clear();
        var capped = shape.SoftCap != 0;
        var shift = Vector256.Create(logSum);
        Vector256<float> sums = default;
        var i = start;
        for (; i <= end - 8; i += 8)
        {
            var score = Vector256.Load(p + i);
            var e = VectorMath.Exp((capped ? AttentionKernel.Capped(score, shape) : score * shape.Scale) - shift);
            if (capped) (Vector256.Load(ds + i) * e).Store(ds + i);
            sums += capped ? Vector256.Load(ds + i) : e * Vector256.Load(ds + i);
            if (!capped) e.Store(p + i);
        }
        var sum = Vector256.Sum(sums);
        for (; i < end; i++)
        {
            var score = Vector256.Create(p[i]);
            var e = VectorMath.Exp((capped ? AttentionKernel.Capped(score, shape) : score * shape.Scale) - shift)[0];
            if (capped) ds[i] *= e;
            sum += capped ? ds[i] : e * ds[i];
            if (!capped) p[i] = e;
        }
        return sum;
    }

    /// <summary>Computes the gradients of the scores, where <paramref name="sum"/> is ΣP dP over all that the query sees.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ScoreGradient(float sum, float logSum, AttentionShape shape)
    {
        var i = start;
        if (shape.SoftCap == 0)
        {
            var (mean, scale) = (Vector256.Create(sum), Vector256.Create(shape.Scale));
            for (; i <= end - 8; i += 8) (Vector256.Load(p + i) * (Vector256.Load(ds + i) - mean) * scale).Store(ds + i);
            for (; i < end; i++) ds[i] = p[i] * (ds[i] - sum) * shape.Scale;
            return;
        }
        // The score is needed for the slope 1 - tanh² and the probability for the product: both from the score that is still there.
        var shift = Vector256.Create(logSum);
        for (; i <= end - 8; i += 8)
        {
            var c = AttentionKernel.Capped(Vector256.Load(p + i), shape);
            var e = VectorMath.Exp(c - shift);
            var t = c * (1 / shape.SoftCap);
            ((Vector256.Load(ds + i) - e * sum) * (Vector256<float>.One - t * t) * shape.Scale).Store(ds + i);
            e.Store(p + i);
        }
        for (; i < end; i++)
        {
            var c = AttentionKernel.Capped(Vector256.Create(p[i]), shape)[0];
            var e = VectorMath.Exp(Vector256.Create(c - logSum))[0];
            var t = c / shape.SoftCap;
            ds[i] = (ds[i] - e * sum) * (1 - t * t) * shape.Scale;
            p[i] = e;
        }
    }
}
