using System.Runtime.Intrinsics;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>Attention of one new token a row over cached keys and values, which are read once for all query heads of a group. Results do not depend on the number of threads.</summary>
internal static unsafe class OneQueryKernel
{
    // Multiply-adds worth a thread.
    private const long Grain = 1 << 14;

    private const int Keys = 4;
    private const int Values = 32;

    /// <summary>Computes the output <c>[batch, heads, headSize]</c>.</summary>
    /// <param name="shape">Sizes; its length is 1.</param>
    /// <param name="q">Queries, <c>[batch, heads, headSize]</c>.</param>
    /// <param name="k">Keys, <c>[batch, places, keyValueHeads, headSize]</c>.</param>
    /// <param name="v">Values, as the keys.</param>
    /// <param name="first">The first key that each row's query sees, <c>[batch]</c>.</param>
    /// <param name="places">The last one, which is its own.</param>
    /// <param name="output">Gets the output.</param>
    public static void Run(AttentionShape shape, float* q, float* k, float* v, int* first, int* places, float* output)
    {
        var work = (long)shape.Keys * shape.HeadSize * shape.Group;
        TorchThreads.For(0, (long)shape.Batch * shape.KeyValueHeads, Math.Max(1, Grain / work), (from, to) =>
        {
            using var scratch = Scratch.Rent(ScoreFloats(shape));
            for (var head = from; head < to; head++) One(shape, q, k, v, first, places, head, scratch.Floats, output);
        });
    }

    /// <summary>The query heads of one key head of one row, on the calling thread.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="q">As in <see cref="Run"/>.</param>
    /// <param name="k">As in <see cref="Run"/>.</param>
    /// <param name="v">As in <see cref="Run"/>.</param>
    /// <param name="first">As in <see cref="Run"/>.</param>
    /// <param name="places">As in <see cref="Run"/>.</param>
    /// <param name="head">Row · key heads + key head.</param>
    /// <param name="scores">Room for <see cref="ScoreFloats"/> numbers.</param>
    /// <param name="output">As in <see cref="Run"/>.</param>
    public static void One(AttentionShape shape, float* q, float* k, float* v, int* first, int* places, long head, float* scores, float* output)
    {
        var (b, h) = (head / shape.KeyValueHeads, head % shape.KeyValueHeads);
        int start = first[b], count = places[b] + 1 - start;
        var offset = (b * shape.KeyPlaces + start) * shape.KeyRow + h * shape.HeadSize;
        var queries = (b * shape.Heads + h * shape.Group) * shape.HeadSize;
        Group(shape, q + queries, k + offset, v + offset, count, scores, AttentionBlock.Padded(shape.Keys), output + queries);
    }

    /// <summary>Room that the scores of one key head take.</summary>
    public static long ScoreFloats(AttentionShape shape) => (long)AttentionBlock.Padded(shape.Keys) * shape.Group;

    private static void Group(AttentionShape shape, float* q, float* k, float* v, int count, float* scores, int row, float* o)
    {
        var size = shape.HeadSize;
        for (var i = 0; i < count; i += Keys)
            for (var g = 0; g < shape.Group; g++) Dots(q + g * size, k + (long)i * shape.KeyRow, shape.KeyRow, Math.Min(Keys, count - i), size, scores + g * row + i);
        for (var g = 0; g < shape.Group; g++)
        {
            var own = scores + g * row;
            AttentionKernel.Scale(own, count, shape);
            AttentionKernel.Multiply(own, count, 1 / AttentionKernel.Exponentials(own, 0, count, count, VectorMath.Max(own, count)));
        }
        for (var g = 0; g < shape.Group; g += 2)
            for (var d = 0; d < size; d += Values) Sums(scores + g * row, g + 1 < shape.Group ? row : 0, v + d, shape.KeyRow, count, Math.Min(Values, size - d), o + g * size + d, g + 1 < shape.Group ? size : 0);
    }

    // Four keys at once: their sums are put together in one vector instead of each by itself.
    private static void Dots(float* q, float* k, int row, int keys, int n, float* scores)
    {
        // Keys past the end are the last one again.
        float* k1 = k + (long)Math.Min(1, keys - 1) * row, k2 = k + (long)Math.Min(2, keys - 1) * row, k3 = k + (long)(keys - 1) * row;
        Vector256<float> a = default, b = default, c = default, d = default;
        var i = 0;
        for (; i <= n - 8; i += 8)
        {
            var x = Vector256.Load(q + i);
            a = Vector256.FusedMultiplyAdd(x, Vector256.Load(k + i), a);
            b = Vector256.FusedMultiplyAdd(x, Vector256.Load(k1 + i), b);
            c = Vector256.FusedMultiplyAdd(x, Vector256.Load(k2 + i), c);
            d = Vector256.FusedMultiplyAdd(x, Vector256.Load(k3 + i), d);
        }
        var sums = Vector128.Create(Vector256.Sum(a), Vector256.Sum(b), Vector256.Sum(c), Vector256.Sum(d));
        for (; i < n; i++) sums += q[i] * Vector128.Create(k[i], k1[i], k2[i], k3[i]);
        for (i = 0; i < keys; i++) scores[i] = i == keys - 1 && keys < Keys ? sums[3] : sums[i];
    }

    // The values of all keys summed by their probabilities, for two queries of a group (one where the second's distance is 0) and at most 32 places of the head, which stay in registers.
    private static void Sums(float* p, int row, float* v, int valueRow, int count, int n, float* o, int next)
    {
        if (n == Values)
        {
            Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
            for (var i = 0; i < count; i++, v += valueRow)
            {
                Vector256<float> x = Vector256.Create(p[i]), y = Vector256.Create(p[row + i]);
                Vector256<float> v0 = Vector256.Load(v), v1 = Vector256.Load(v + 8), v2 = Vector256.Load(v + 16), v3 = Vector256.Load(v + 24);
                a0 = Vector256.FusedMultiplyAdd(x, v0, a0);
                a1 = Vector256.FusedMultiplyAdd(x, v1, a1);
                a2 = Vector256.FusedMultiplyAdd(x, v2, a2);
                a3 = Vector256.FusedMultiplyAdd(x, v3, a3);
                b0 = Vector256.FusedMultiplyAdd(y, v0, b0);
                b1 = Vector256.FusedMultiplyAdd(y, v1, b1);
                b2 = Vector256.FusedMultiplyAdd(y, v2, b2);
                b3 = Vector256.FusedMultiplyAdd(y, v3, b3);
            }
            Store(a0, a1, a2, a3, o);
            if (next != 0) Store(b0, b1, b2, b3, o + next);
            return;
        }
        for (var d = 0; d < n; d++)
        {
            float a = 0, b = 0;
            for (var i = 0; i < count; i++)
            {
                var value = v[(long)i * valueRow + d];
                a += p[i] * value;
                b += p[row + i] * value;
            }
            o[d] = a;
            if (next != 0) o[next + d] = b;
        }
    }

    private static void Store(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, float* target)
    {
        a.Store(target);
        b.Store(target + 8);
        c.Store(target + 16);
        d.Store(target + 24);
    }
}
