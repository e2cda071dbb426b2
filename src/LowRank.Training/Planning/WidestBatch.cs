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

    /// <summary>Epochs that are looked at: each batch of rows is met in some order, and another order seldom makes a wider one.</summary>
    private const int Epochs = 3;

    /// <summary>The widest of the batches that the run will draw; the order of the epochs is known beforehand.</summary>
    public static WidestBatch Of(IReadOnlyList<Example> examples, BatchOptions batches, OptimizationSettings training)
    {
        var lengths = examples.Select(e => e.PairLength).ToArray();
        var sequences = examples.Any(e => e.Rejected is not null) ? 2 : 1;
        var (widest, supervised) = ((Rows: 1L, Length: 1L), 0L);
        var left = training.MaxSteps is { } steps ? (long)steps * training.Accumulate : long.MaxValue;
        var epochs = training.MaxSteps is null ? Math.Clamp((int)Math.Ceiling(training.Epochs), 1, Epochs) : Epochs;
        for (var epoch = 0; epoch < epochs && left > 0; epoch++)
            foreach (var batch in EpochPlan.Make(lengths, batches, epoch))
            {
                if (left-- <= 0) break;
                long length = batch.Max(row => row.Sum(i => (long)lengths[i]));
                length = (length + batches.PadToMultipleOf - 1) / batches.PadToMultipleOf * batches.PadToMultipleOf;
                if (sequences * batch.Length * length > widest.Rows * widest.Length) widest = (sequences * batch.Length, length);
                supervised = Math.Max(supervised, batch.Sum(row => row.Sum(i => (long)examples[i].SupervisedTokens + (examples[i].Rejected?.SupervisedTokens ?? 0))));
            }
        return new(widest.Rows, widest.Length, supervised) { SequencesOfRow = sequences };
    }
}
