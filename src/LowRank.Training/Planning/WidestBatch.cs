using LowRank.Training.Data;
using LowRank.Training.Packing;
using LowRank.Training.Settings;

namespace LowRank.Training.Planning;

/// <summary>The sizes of the batch that needs the most memory: rows are padded to the longest of their batch, so one long row widens them all.</summary>
/// <param name="Rows">Its rows.</param>
/// <param name="Length">Tokens of a row, padding included.</param>
/// <param name="SupervisedTokens">The most supervised tokens of any batch.</param>
internal sealed record WidestBatch(long Rows, long Length, long SupervisedTokens)
{
    /// <summary>Sequences that a row of the data becomes: two where it is a preference.</summary>
    public int SequencesOfRow { get; init; } = 1;

    /// <summary>The most tokens of a batch that are computed at once: without padding and repeated beginnings where that is how batches go through the model (<see cref="CompactBatch"/>).</summary>
    public long Computed { get; init; } = Rows * Length;

    /// <summary>The tokens that a part of it has at most: those of its rows, and never more than all.</summary>
    public long Tokens => Math.Min(Rows * Length, Computed);

    /// <summary>So many such batches below one another.</summary>
    public WidestBatch Times(int batches) => this with { Rows = Rows * batches, SupervisedTokens = SupervisedTokens * batches, Computed = Computed * batches };

    /// <summary>Epochs that are looked at: each batch of rows is met in some order, and another order seldom makes a wider one.</summary>
    private const int Epochs = 3;

    // Batches of which the compact form is made at most, those with the most tokens first: more of them seldom change the largest.
    private const int Tried = 2048;

    /// <summary>The widest of the batches that the run will draw; the order of the epochs is known beforehand.</summary>
    /// <param name="examples">What is learned.</param>
    /// <param name="batches">How examples become batches.</param>
    /// <param name="training">How long.</param>
    /// <param name="isCompact">Whether batches go through the model without padding and repeated beginnings, where that saves tokens.</param>
    public static WidestBatch Of(IReadOnlyList<Example> examples, BatchOptions batches, OptimizationSettings training, bool isCompact = false)
    {
        var lengths = examples.Select(e => e.PairLength).ToArray();
        var sequences = examples.Any(e => e.Rejected is not null) ? 2 : 1;
        var (widest, supervised) = ((Rows: 1L, Length: 1L), 0L);
        var left = training.MaxSteps is { } steps ? (long)steps * training.Accumulate : long.MaxValue;
        var epochs = training.MaxSteps is null ? Math.Clamp((int)Math.Ceiling(training.Epochs), 1, Epochs) : Epochs;
        var sizes = new List<(long Tokens, int[][] Rows)>();
        for (var epoch = 0; epoch < epochs && left > 0; epoch++)
            foreach (var batch in EpochPlan.Make(lengths, batches, epoch))
            {
                if (left-- <= 0) break;
                long length = batch.Max(row => row.Sum(i => (long)lengths[i]));
                length = (length + batches.PadToMultipleOf - 1) / batches.PadToMultipleOf * batches.PadToMultipleOf;
                if (isCompact) sizes.Add((sequences * batch.Length * length, batch));
                if (sequences * batch.Length * length > widest.Rows * widest.Length) widest = (sequences * batch.Length, length);
                supervised = Math.Max(supervised, batch.Sum(row => row.Sum(i => (long)examples[i].SupervisedTokens + (examples[i].Rejected?.SupervisedTokens ?? 0))));
            }
        var found = new WidestBatch(widest.Rows, widest.Length, supervised) { SequencesOfRow = sequences };
        return isCompact ? found with { Computed = MostComputed(examples, batches, sizes) } : found;
    }

    private static long MostComputed(IReadOnlyList<Example> examples, BatchOptions batches, List<(long Tokens, int[][] Rows)> sizes)
    {
        var most = 1L;
        foreach (var (tokens, rows) in sizes.OrderByDescending(s => s.Tokens).Take(Tried))
        {
            // A batch has no more tokens to compute than it has as it is.
            if (tokens <= most) break;
            most = Math.Max(most, CompactBatch.Of([BatchAssembler.Assemble(examples, rows, 0, batches.PadToMultipleOf)]) is { } compact ? compact.Length : tokens);
        }
        return most;
    }
}
