using System.Buffers;
using System.Numerics;
using LowRank.RandomNumbers;

namespace LowRank.Models.Generation;

/// <summary>Chooses the next token of one row from its logits: the likeliest, or one by chance.</summary>
internal sealed class TokenChooser
{
    private readonly GenerationOptions options;
    private readonly Xoshiro256? random;
    private readonly HashSet<int>? occurred;

    /// <param name="options">The settings.</param>
    /// <param name="seed">The seed of the generation.</param>
    /// <param name="row">The row's number: each has random numbers of its own, so that a result does not depend on the rows beside it.</param>
    /// <param name="prompt">Its prompt.</param>
    public TokenChooser(GenerationOptions options, long seed, int row, ReadOnlySpan<int> prompt)
    {
        this.options = options;
        if (options.Temperature > 0) random = new Xoshiro256(seed, row);
        if (options.RepetitionPenalty > 1) occurred = [.. prompt];
    }

    /// <summary>The next token. The logits are changed where a repetition penalty is set.</summary>
    /// <exception cref="LowRankException">The logits are not numbers.</exception>
    public int Choose(Span<float> logits)
    {
        if (occurred is not null) Penalize(logits);
        var best = Best(logits);
        var chosen = random is null ? best : Sample(logits, logits[best], random);
        occurred?.Add(chosen);
        return chosen;
    }

    private void Penalize(Span<float> logits)
    {
        var penalty = (float)options.RepetitionPenalty;
        foreach (var id in occurred!)
            logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
    }

    /// <summary>The first of the largest.</summary>
    /// <exception cref="LowRankException">The logits are not numbers.</exception>
    // A vector of maxima, then a search for the value.
    public static int Best(ReadOnlySpan<float> logits)
    {
        var max = float.NegativeInfinity;
        var at = 0;
        if (logits.Length >= Vector<float>.Count)
        {
            var running = new Vector<float>(float.NegativeInfinity);
            for (; at <= logits.Length - Vector<float>.Count; at += Vector<float>.Count)
                running = Vector.Max(running, new Vector<float>(logits[at..]));
            for (var lane = 0; lane < Vector<float>.Count; lane++) max = MathF.Max(max, running[lane]);
        }
        for (; at < logits.Length; at++) max = MathF.Max(max, logits[at]);
        var index = float.IsFinite(max) ? logits.IndexOf(max) : -1;
        return index >= 0 ? index
            : throw new LowRankException("The model's outputs are not numbers. Its weights, or those of the adapter, are damaged or were trained until they overflowed.");
    }

    private int Sample(ReadOnlySpan<float> logits, float max, Xoshiro256 random)
    {
        var ids = ArrayPool<int>.Shared.Rent(logits.Length);
        var weights = ArrayPool<float>.Shared.Rent(logits.Length);
        try
        {
            var count = Candidates(logits, max, ids, weights);
            if (options.TopP < 1) count = Nucleus(ids, weights, count);
            var (total, kept) = (0.0, 0);
            for (var i = 0; i < count; i++)
            {
                // The likeliest has weight 1.
                if (weights[i] < options.MinP) continue;
                (ids[kept], weights[kept]) = (ids[i], weights[i]);
                total += weights[kept++];
            }
            var drawn = random.NextDouble() * total;
            for (var i = 0; i < kept - 1; i++)
                if ((drawn -= weights[i]) < 0) return ids[i];
            return ids[kept - 1];
        }
        finally
        {
            ArrayPool<int>.Shared.Return(ids);
            ArrayPool<float>.Shared.Return(weights);
        }
    }

    // The tokens that top-k keeps, with exp((logit - max) / temperature).
    private int Candidates(ReadOnlySpan<float> logits, float max, int[] ids, float[] weights)
    {
        var count = 0;
        if (options.TopK > 0 && options.TopK < logits.Length)
        {
            var heap = new PriorityQueue<int, (float, int)>(options.TopK + 1);
            for (var id = 0; id < logits.Length; id++)
            {
                if (heap.Count < options.TopK) heap.Enqueue(id, (logits[id], -id));
                else if (logits[id] > logits[heap.Peek()]) heap.DequeueEnqueue(id, (logits[id], -id));
            }
            while (heap.TryDequeue(out var id, out _)) ids[count++] = id;
        }
        else
        {
            for (; count < logits.Length; count++) ids[count] = count;
        }
        var scale = 1 / options.Temperature;
        for (var i = 0; i < count; i++) weights[i] = (float)Math.Exp((logits[ids[i]] - max) * scale);
        return count;
    }

    // The fewest likeliest whose weights reach the share, likeliest first.
    private int Nucleus(int[] ids, float[] weights, int count)
    {
        var total = 0.0;
        for (var i = 0; i < count; i++) total += weights[i];
        // Tokens below an equal share of what top-p leaves out add up to less than it: none of them is needed, so they need not be sorted.
        var floor = (float)((1 - options.TopP) * total / count);
        var kept = 0;
        for (var i = 0; i < count; i++)
            if (weights[i] >= floor) (ids[kept], weights[kept++]) = (ids[i], weights[i]);
        Array.Sort(weights, ids, 0, kept);
        Array.Reverse(weights, 0, kept);
        Array.Reverse(ids, 0, kept);
        var (sum, n) = (0.0, 0);
        while (n < kept && sum < options.TopP * total) sum += weights[n++];
        return Math.Max(1, n);
    }
}
