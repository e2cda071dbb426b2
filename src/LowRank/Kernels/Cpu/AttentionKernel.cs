using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;
using LowRank.Runtime.Memory;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// Causal attention of fp32 heads, by blocks of queries against only the keys that they may see: scores of a block by one matrix product, soft-max in
/// place, the sum of values by another. Probabilities are never kept: the backward pass computes them again from the logarithm of each row's sum (FlashAttention,
/// arXiv:2205.14135). Grouped heads read their key head where it lies. A query sees the keys from <c>first</c> to itself, which covers sliding
/// windows and packed sequences, and where sequences share what they begin with also the keys of that (<see cref="KeyRanges"/>). Blocks do not depend on the number of threads, so neither do results.
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
    /// <param name="seen">The keys that each query sees.</param>
    /// <param name="output">Gets the output.</param>
    /// <param name="logSums">Gets the logarithms, unless null.</param>
    /// <param name="places">The key of each row's first query, <c>[batch]</c>, where a cache is read; else null.</param>
    public static void Forward(AttentionShape shape, float* q, float* k, float* v, KeyRanges seen, float* output, float* logSums, int* places = null)
    {
        var blocks = (shape.Length + Block - 1) / Block;
        var products = AttentionProducts.Choose(shape, k, v);
        TorchThreads.For(0, (long)shape.Batch * shape.Heads * blocks, 1, (from, to) =>
        {
            var size = (long)Block * AttentionBlock.Padded(shape.Keys);
            using var scratch = Scratch.Rent(seen.AreShared ? 2 * size : size);
            using var product = products.Enter(isBackward: false);
            float* scores = scratch.Floats, before = scores + size;
            var sums = stackalloc float[Block];
            for (var unit = from; unit < to; unit++)
            {
                var (head, start) = (unit / blocks, (int)(unit % blocks) * Block);
                var at = new AttentionBlock(shape, head, start, Block, seen.First, places);
                var shared = seen.AreShared ? new AttentionBlock(shape, in at, head, start, seen.SharedStart, seen.SharedEnd) : default;
                product.TimesKeys(in at, q + at.QueryOffset, scores);
                if (shared.Keys > 0) product.TimesKeys(in shared, q + at.QueryOffset, before);
                for (var i = 0; i < at.Queries; i++)
                {
                    var row = scores + (long)i * at.Row;
                    var (first, end) = at.Visible(i);
                    Scale(row + first, end - first, shape);
                    var max = VectorMath.Max(row + first, end - first);
                    if (shared.Keys == 0) sums[i] = Exponentials(row, first, end, at.Keys, max);
                    else
                    {
                        var sharedRow = before + (long)i * shared.Row;
                        var (sharedFirst, sharedEnd) = shared.Visible(i);
                        Scale(sharedRow + sharedFirst, sharedEnd - sharedFirst, shape);
                        if (sharedEnd > sharedFirst) max = Math.Max(max, VectorMath.Max(sharedRow + sharedFirst, sharedEnd - sharedFirst));
                        sums[i] = Exponentials(sharedRow, sharedFirst, sharedEnd, shared.Keys, max) + Exponentials(row, first, end, at.Keys, max);
                    }
                    if (logSums is not null) logSums[at.LogSumOffset + i] = max + MathF.Log(sums[i]);
                }
                var o = output + at.QueryOffset;
                product.SumValues(in at, scores, o, add: false);
                if (shared.Keys > 0) product.SumValues(in shared, before, o, add: true);
                for (var i = 0; i < at.Queries; i++) Multiply(o + (long)i * shape.QueryRow, shape.HeadSize, 1 / sums[i]);
            }
        });
    }

    /// <summary>Computes the gradients of queries, keys and values from that of the output, all in the layout of what they belong to.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="q">Queries of <see cref="Forward"/>.</param>
    /// <param name="k">Its keys.</param>
    /// <param name="v">Its values.</param>
    /// <param name="seen">The keys that each query saw.</param>
    /// <param name="logSums">What it gave.</param>
    /// <param name="doutput">The gradient of its output.</param>
    /// <param name="dq">Gets the gradient of the queries.</param>
    /// <param name="dk">Gets the gradient of the keys.</param>
    /// <param name="dv">Gets the gradient of the values.</param>
    public static void Backward(AttentionShape shape, float* q, float* k, float* v, KeyRanges seen, float* logSums, float* doutput, float* dq, float* dk, float* dv)
    {
        // Each query head sums into keys and values of its own, and the heads of a group are added in order: no two threads write to one place.
        long headValues = (long)shape.Length * shape.HeadSize, all = shape.Batch * shape.Heads * headValues;
        var own = (float*)BlockPool.Rent(2 * all * sizeof(float));
        float* ownKeys = own, ownValues = own + all;
        try
        {
            SumGradients(shape, q, k, v, seen, logSums, doutput, dq, ownKeys, ownValues);
            AddGroups(shape, ownKeys, dk);
            AddGroups(shape, ownValues, dv);
        }
        finally
        {
            BlockPool.Return(own);
        }
    }

    // The gradients of queries, and those of keys and values by query head: [batch, heads, length, headSize].
    private static void SumGradients(AttentionShape shape, float* q, float* k, float* v, KeyRanges seen, float* logSums, float* doutput, float* dq, float* ownKeys, float* ownValues)
    {
        var products = AttentionProducts.Choose(shape, k, v);
        var headValues = (long)shape.Length * shape.HeadSize;
        TorchThreads.For(0, (long)shape.Batch * shape.Heads, 1, (from, to) =>
        {
            var size = (long)Block * AttentionBlock.Padded(shape.Length);
            using var scratch = Scratch.Rent(seen.AreShared ? 4 * size : 2 * size);
            using var product = products.Enter(isBackward: true);
            float* p = scratch.Floats, ds = p + size, sharedP = ds + size, sharedDs = sharedP + size;
            for (var head = from; head < to; head++)
            {
                float* keySums = ownKeys + head * headValues, valueSums = ownValues + head * headValues;
                var written = 0;
                for (var start = 0; start < shape.Length; start += Block)
                {
                    var at = new AttentionBlock(shape, head, start, Block, seen.First, null);
                    var shared = seen.AreShared ? new AttentionBlock(shape, in at, head, start, seen.SharedStart, seen.SharedEnd) : default;
                    float* qb = q + at.QueryOffset, gb = doutput + at.QueryOffset;
                    product.TimesKeys(in at, qb, p);
                    product.TimesValues(in at, gb, ds);
                    if (shared.Keys > 0)
                    {
                        product.TimesKeys(in shared, qb, sharedP);
                        product.TimesValues(in shared, gb, sharedDs);
                    }
                    for (var i = 0; i < at.Queries; i++)
                    {
                        ScoreRow own = new(in at, i, p, ds), other = shared.Keys > 0 ? new(in shared, i, sharedP, sharedDs) : default;
                        var logSum = logSums[at.LogSumOffset + i];
                        var sum = own.Probabilities(logSum, shape);
                        if (shared.Keys > 0) sum += other.Probabilities(logSum, shape);
                        own.ScoreGradient(sum, logSum, shape);
                        if (shared.Keys > 0) other.ScoreGradient(sum, logSum, shape);
                    }
                    // Keys that no earlier block has seen have no sum yet. Shared ones stand before their sequences, so that they have.
                    Clear(keySums, valueSums, written, at.FirstKey + at.Keys, shape.HeadSize);
                    written = at.FirstKey + at.Keys;
                    AddToKeys(product, in at, p, ds, qb, gb, keySums, valueSums, shape);
                    product.SumKeys(in at, ds, dq + at.QueryOffset, add: false);
                    if (shared.Keys == 0) continue;
                    AddToKeys(product, in shared, sharedP, sharedDs, qb, gb, keySums, valueSums, shape);
                    product.SumKeys(in shared, sharedDs, dq + at.QueryOffset, add: true);
                }
            }
        });
    }

    private static void AddToKeys(AttentionProducts.OneThread product, in AttentionBlock at, float* p, float* ds, float* q, float* g, float* keySums, float* valueSums, AttentionShape shape)
    {
        var from = (long)at.FirstKey * shape.HeadSize;
        product.AddQueries(in at, p, g, valueSums + from);
        product.AddQueries(in at, ds, q, keySums + from);
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
    internal static Vector256<float> Capped(Vector256<float> score, AttentionShape shape) => shape.SoftCap * VectorMath.Tanh(score * (shape.Scale / shape.SoftCap));

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
