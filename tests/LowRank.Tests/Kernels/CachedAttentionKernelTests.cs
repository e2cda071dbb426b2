using LowRank.Kernels.Cpu;
using LowRank.Kernels.Cpu.Gemm;
using LowRank.Testing;

namespace LowRank.Tests.Kernels;

/// <summary>Attention over cached keys and values against sums in double precision: one new token a row, and several.</summary>
public sealed unsafe class CachedAttentionKernelTests
{
    // Odd numbers of keys and queries of a group, heads that are no whole number of vectors, windows, a cap; rows of unequal length.
    public static TheoryData<int, int, int, int, int, int, float> Cases => new()
    {
        { 1, 9, 3, 64, 50, 0, 0 }, { 2, 4, 4, 32, 33, 0, 0 }, { 2, 6, 2, 24, 17, 8, 0 }, { 1, 5, 1, 40, 6, 0, 30 }, { 3, 2, 1, 96, 70, 20, 0 },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Equals_the_sums(int batch, int heads, int keyHeads, int size, int used, int window, float cap)
    {
        foreach (var own in new[] { true, false })
            foreach (var count in new[] { 1, 5 })
            {
                using var choice = GemmChoice.Use(own);
                var shape = new AttentionShape(batch, count, heads, keyHeads, size, 0.2f, cap) { Keys = used, KeyPlaces = used + 3 };
                // The last row is the longest; each of the others ends two places earlier.
                int[] places = [.. Enumerable.Range(0, batch).Select(b => Math.Max(0, used - count - 2 * (batch - 1 - b)))];
                int[] first = [.. Enumerable.Range(0, batch * count).Select(i => window == 0 ? 0 : Math.Max(0, places[i / count] + i % count - window + 1))];
                float[] q = Values(batch * count * heads * size, 1), k = Values(batch * (used + 3) * keyHeads * size, 2), v = Values(k.Length, 3), output = new float[q.Length];
                fixed (float* pq = q, pk = k, pv = v, po = output)
                fixed (int* pf = first, pp = places)
                {
                    if (count == 1) OneQueryKernel.Run(shape, pq, pk, pv, pf, pp, po);
                    else AttentionKernel.Forward(shape, pq, pk, pv, new(pf), po, null, pp);
                }
                // Values are at most 1 and their weights sum to 1; scores err by size roundings of numbers up to 0.2 · size, exponentials by as much.
                Near.All(Expected(shape, q, k, v, first, places), output, 2e-5, $"{(own ? "own" : "library")} product, {count} new");
            }
    }

    private static float[] Expected(AttentionShape shape, float[] q, float[] k, float[] v, int[] first, int[] places)
    {
        var output = new float[q.Length];
        for (var b = 0; b < shape.Batch; b++)
            for (var t = 0; t < shape.Length; t++)
                for (var h = 0; h < shape.Heads; h++)
                {
                    var (start, end) = (first[b * shape.Length + t], places[b] + t + 1);
                    int Key(int i) => ((b * shape.KeyPlaces + i) * shape.KeyValueHeads + h / shape.Group) * shape.HeadSize;
                    var query = ((b * shape.Length + t) * shape.Heads + h) * shape.HeadSize;
                    var weights = new double[end - start];
                    for (var i = start; i < end; i++)
                    {
                        double score = 0;
                        for (var d = 0; d < shape.HeadSize; d++) score += (double)q[query + d] * k[Key(i) + d];
                        score *= shape.Scale;
                        weights[i - start] = Math.Exp(shape.SoftCap == 0 ? score : shape.SoftCap * Math.Tanh(score / shape.SoftCap));
                    }
                    var sum = weights.Sum();
                    for (var d = 0; d < shape.HeadSize; d++)
                    {
                        double value = 0;
                        for (var i = start; i < end; i++) value += weights[i - start] / sum * v[Key(i) + d];
                        output[query + d] = (float)value;
                    }
                }
        return output;
    }

    private static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(2 * random.NextDouble() - 1))];
    }
}
