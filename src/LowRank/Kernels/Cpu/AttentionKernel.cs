using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;
using LowRank.Runtime.Memory;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// Causal attention of fp32 heads, by blocks of queries against only the keys that they may see: scores of a block by one matrix product, soft-max in
/// place, the sum of values by another. Probabilities are never kept: the backward pass computes them again from the logarithm of each row's sum (FlashAttention,
/// arXiv:2205.14135). Grouped heads read their key head where it lies. A query sees the keys from <c>first</c> to itself, which covers sliding
/// windows and packed sequences. Blocks do not depend on the number of threads, so neither do results.
/// </summary>
internal static unsafe class AttentionKernel
{
    /// <summary>Queries of a block: fewer waste less above the diagonal, more make faster products.</summary>
    private const int Block = 64;

    /// <summary>
    /// Computes the output <c>[batch, length, heads, headSize]</c> and the logarithm of each row's sum of exponentials, <c>[batch, heads, length]</c>.
    /// </summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="q">Queries, <c>[batch, length, heads, headSize]</c>.</param>
    /// <param name="k">Keys, <c>[batch, length, keyValueHeads, headSize]</c>.</param>
    /// <param name="v">Values, as the keys.</param>
    /// <param name="first">The first key that each query sees, <c>[batch, length]</c>.</param>
    /// <param name="output">Gets the output.</param>
    /// <param name="logSums">Gets the logarithms, unless null.</param>
    /// <param name="places">The key of each row's first query, <c>[batch]</c>, where a cache is read; else null.</param>
    public static void Forward(AttentionShape shape, float* q, float* k, float* v, int* first, float* output, float* logSums, int* places = null)
    {
        var blocks = (shape.Length + Block - 1) / Block;
        var products = AttentionProducts.Choose(shape, k, v);
        TorchThreads.For(0, (long)shape.Batch * shape.Heads * blocks, 1, (from, to) =>
        {
            using var scratch = Scratch.Rent((long)Block * AttentionBlock.Padded(shape.Keys));
            using var product = products.Enter(isBackward: false);
            var sums = stackalloc float[Block];
            for (var unit = from; unit < to; unit++)
            {
                var at = new AttentionBlock(shape, unit / blocks, (int)(unit % blocks) * Block, Block, first, places);
                var scores = scratch.Floats;
                product.TimesKeys(in at, q + at.QueryOffset, scores);
                for (var i = 0; i < at.Queries; i++)
                {
                    var row = scores + (long)i * at.Row;
                    var (start, end) = at.Visible(i);
                    Scale(row + start, end - start, shape);
                    var max = VectorMath.Max(row + start, end - start);
                    sums[i] = Exponentials(row, start, end, at.Keys, max);
                    if (logSums is not null) logSums[at.LogSumOffset + i] = max + MathF.Log(sums[i]);
                }
                var o = output + at.QueryOffset;
                product.SumValues(in at, scores, o);
                for (var i = 0; i < at.Queries; i++) Multiply(o + (long)i * shape.QueryRow, shape.HeadSize, 1 / sums[i]);
            }
        });
    }

    /// <summary>Computes the gradients of queries, keys and values from that of the output, all in the layout of what they belong to.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="q">Queries of <see cref="Forward"/>.</param>
    /// <param name="k">Its keys.</param>
    /// <param name="v">Its values.</param>
    /// <param name="first">Its first keys.</param>
    /// <param name="logSums">What it gave.</param>
    /// <param name="doutput">The gradient of its output.</param>
    /// <param name="dq">Gets the gradient of the queries.</param>
    /// <param name="dk">Gets the gradient of the keys.</param>
    /// <param name="dv">Gets the gradient of the values.</param>
    public static void Backward(AttentionShape shape, float* q, float* k, float* v, int* first, float* logSums, float* doutput, float* dq, float* dk, float* dv)
    {
        // Each query head sums into keys and values of its own, and the heads of a group are added in order: no two threads write to one place.
        long headValues = (long)shape.Length * shape.HeadSize, all = shape.Batch * shape.Heads * headValues;
        var own = (float*)BlockPool.Rent(2 * all * sizeof(float));
        float* ownKeys = own, ownValues = own + all;
        try
        {
            SumGradients(shape, q, k, v, first, logSums, doutput, dq, ownKeys, ownValues);
            AddGroups(shape, ownKeys, dk);
            AddGroups(shape, ownValues, dv);
        }
        finally
        {
            BlockPool.Return(own);
        }
    }

    // The gradients of queries, and those of keys and values by query head: [batch, heads, length, headSize].
    private static void SumGradients(AttentionShape shape, float* q, float* k, float* v, int* first, float* logSums, float* doutput, float* dq, float* ownKeys, float* ownValues)
    {
        var products = AttentionProducts.Choose(shape, k, v);
        var headValues = (long)shape.Length * shape.HeadSize;
        TorchThreads.For(0, (long)shape.Batch * shape.Heads, 1, (from, to) =>
        {
            var size = (long)Block * AttentionBlock.Padded(shape.Length);
            using var scratch = Scratch.Rent(2 * size);
            using var product = products.Enter(isBackward: true);
            float* p = scratch.Floats, ds = scratch.Floats + size;
            for (var head = from; head < to; head++)
            {
                float* keySums = ownKeys + head * headValues, valueSums = ownValues + head * headValues;
                var written = 0;
                for (var start = 0; start < shape.Length; start += Block)
                {
                    var at = new AttentionBlock(shape, head, start, Block, first, null);
                    float* qb = q + at.QueryOffset, gb = doutput + at.QueryOffset;
                    product.TimesKeys(in at, qb, p);
                    product.TimesValues(in at, gb, ds);
                    for (var i = 0; i < at.Queries; i++)
                    {
                        var (visible, end) = at.Visible(i);
                        ScoreGradient(p + (long)i * at.Row, ds + (long)i * at.Row, visible, end, at.Keys, logSums[at.LogSumOffset + i], shape);
                    }
                    // Keys that no earlier block has seen have no sum yet.
                    Clear(keySums, valueSums, written, at.FirstKey + at.Keys, shape.HeadSize);
                    written = at.FirstKey + at.Keys;
                    var seen = (long)at.FirstKey * shape.HeadSize;
                    product.AddQueries(in at, p, gb, valueSums + seen);
                    product.AddQueries(in at, ds, qb, keySums + seen);
                    product.SumKeys(in at, ds, dq + at.QueryOffset);
                }
            }
        });
    }

    private static void Clear(float* keys, float* values, int from, int to, int size)
    {
        if (to <= from) return;
        new Span<float>(keys + (long)from * size, (to - from) * size).Clear();
        new Span<float>(values + (long)from * size, (to - from) * size).Clear();
    }

    // [batch, heads, length, size] summed over the heads of a group: [batch, length, keyValueHeads, size].
    private static void AddGroups(AttentionShape shape, float* own, float* target)
    {
        TorchThreads.For(0, (long)shape.Batch * shape.Length, 64, (from, to) =>
        {
            for (var token = from; token < to; token++)
            {
                var (b, t) = (token / shape.Length, token % shape.Length);
                for (var kv = 0; kv < shape.KeyValueHeads; kv++)
                {
                    var sum = target + token * shape.KeyRow + (long)kv * shape.HeadSize;
                    for (var g = 0; g < shape.Group; g++)
                    {
                        var part = own + ((b * shape.Heads + (long)kv * shape.Group + g) * shape.Length + t) * shape.HeadSize;
                        if (g == 0) new Span<float>(part, shape.HeadSize).CopyTo(new Span<float>(sum, shape.HeadSize));
                        else Add(sum, part, shape.HeadSize);
                    }
                }
            }
        });
    }

    // The scores of the visible keys: scaled, and capped where the shape says so.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // not compiled ahead, and slow before it is tiered up
    internal static void Scale(float* row, int count, AttentionShape shape)
    {
        if (shape.SoftCap == 0)
        {
            Multiply(row, count, shape.Scale);
            return;
        }
        var i = 0;
        for (; i <= count - 8; i += 8) Capped(Vector256.Load(row + i), shape).Store(row + i);
        for (; i < count; i++) row[i] = Capped(Vector256.Create(row[i]), shape)[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Capped(Vector256<float> score, AttentionShape shape) => shape.SoftCap * VectorMath.Tanh(score * (shape.Scale / shape.SoftCap));

    // exp(score - max) over the visible keys and 0 elsewhere; returns the sum.
    internal static float Exponentials(float* row, int start, int end, int keys, float max)
    {
        new Span<float>(row, start).Clear();
        new Span<float>(row + end, keys - end).Clear();
        var shift = Vector256.Create(max);
        Vector256<float> sums = default;
        var i = start;
        for (; i <= end - 8; i += 8)
        {
            var e = VectorMath.Exp(Vector256.Load(row + i) - shift);
            e.Store(row + i);
            sums += e;
        }
        var sum = Vector256.Sum(sums);
        for (; i < end; i++) sum += row[i] = MathF.Exp(row[i] - max);
        return sum;
    }

    // In: scores before scaling, and dP = dO · Vᵀ. Out: the probabilities, and the gradient of the scores before scaling: s · P (dP - ΣP dP), times the slope of the cap.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScoreGradient(float* p, float* ds, int start, int end, int keys, float logSum, AttentionShape shape)
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
            var e = VectorMath.Exp((capped ? Capped(score, shape) : score * shape.Scale) - shift);
            if (capped) (Vector256.Load(ds + i) * e).Store(ds + i);
            sums += capped ? Vector256.Load(ds + i) : e * Vector256.Load(ds + i);
            if (!capped) e.Store(p + i);
        }
        var sum = Vector256.Sum(sums);
        var rest = i;
        for (; i < end; i++)
        {
            var score = Vector256.Create(p[i]);
            var e = VectorMath.Exp((capped ? Capped(score, shape) : score * shape.Scale) - shift)[0];
            if (capped) ds[i] *= e;
            sum += capped ? ds[i] : e * ds[i];
            if (!capped) p[i] = e;
        }
        if (!capped)
        {
            var (mean, scale) = (Vector256.Create(sum), Vector256.Create(shape.Scale));
            for (i = start; i <= end - 8; i += 8) (Vector256.Load(p + i) * (Vector256.Load(ds + i) - mean) * scale).Store(ds + i);
            for (; i < end; i++) ds[i] = p[i] * (ds[i] - sum) * shape.Scale;
            return;
        }
        // The score is needed for the slope 1 - tanh² and the probability for the product: both from the score that is still there.
        for (i = start; i < rest; i += 8)
        {
            var c = Capped(Vector256.Load(p + i), shape);
            var e = VectorMath.Exp(c - shift);
            var t = c * (1 / shape.SoftCap);
            ((Vector256.Load(ds + i) - e * sum) * (Vector256<float>.One - t * t) * shape.Scale).Store(ds + i);
            e.Store(p + i);
        }
        for (; i < end; i++)
        {
            var c = Capped(Vector256.Create(p[i]), shape)[0];
            var e = VectorMath.Exp(Vector256.Create(c - logSum))[0];
            var t = c / shape.SoftCap;
            ds[i] = (ds[i] - e * sum) * (1 - t * t) * shape.Scale;
            p[i] = e;
        }
    }

    internal static void Multiply(float* x, int count, float by)
    {
        var i = 0;
        for (; i <= count - 8; i += 8) (Vector256.Load(x + i) * by).Store(x + i);
        for (; i < count; i++) x[i] *= by;
    }

    private static void Add(float* x, float* y, int count)
    {
        var i = 0;
        for (; i <= count - 8; i += 8) (Vector256.Load(x + i) + Vector256.Load(y + i)).Store(x + i);
        for (; i < count; i++) x[i] += y[i];
    }
}
