using System.IO.Hashing;
using System.Runtime.InteropServices;
using LowRank.Training.Data;

namespace LowRank.Training.Packing;

/// <summary>
/// Gives the batches of one epoch after another, without end. Its <see cref="Cursor"/> can be saved at any time and restored in another
/// process: what follows is the same. Not safe for use by several threads.
/// </summary>
public sealed class EpochSampler
{
    private readonly IReadOnlyList<Example> examples;
    private readonly BatchOptions options;
    private readonly int[] lengths;
    private readonly string data;
    private int[][][] plan;

    /// <summary>A sampler at the start of epoch 0.</summary>
    /// <param name="examples">What to learn from; at least one.</param>
    /// <param name="options">How examples become batches.</param>
    /// <exception cref="LowRankException">There are no examples, or one is longer than a packed row.</exception>
    public EpochSampler(IReadOnlyList<Example> examples, BatchOptions options)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (examples.Count == 0) throw new LowRankException("there are no examples to make batches of");
        (this.examples, this.options) = (examples, options);
        lengths = [.. examples.Select(e => e.PairLength)];
        for (var i = 0; i < lengths.Length; i++)
            if (options.Layout == BatchLayout.Packed && lengths[i] > options.RowLength)
                throw new LowRankException($"{examples[i].Row?.Place ?? $"example {i}"}: {lengths[i]} tokens do not fit into packed rows of {options.RowLength}; truncate to that length or raise it");
        data = Fingerprint(examples, options);
        plan = EpochPlan.Make(lengths, options, 0);
    }

    /// <summary>The epoch of the next batch, from 0.</summary>
    public int Epoch { get; private set; }

    /// <summary>The number of the next batch within its epoch, from 0.</summary>
    public int BatchInEpoch { get; private set; }

    /// <summary>How many batches the epoch of the next batch has. With packing this can differ from epoch to epoch.</summary>
    public int BatchesInEpoch => plan.Length;

    /// <summary>Where the sampler stands.</summary>
    public DataCursor Cursor => new(Epoch, BatchInEpoch, data);

    /// <summary>How many batches an epoch has.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    public int CountBatches(int epoch) => epoch == Epoch ? plan.Length : EpochPlan.Make(lengths, options, epoch).Length;

    /// <summary>The next batch; after the last of an epoch comes the first of the following one.</summary>
    public Batch Next()
    {
        var batch = BatchAssembler.Assemble(examples, plan[BatchInEpoch], options.PadTokenId, options.PadToMultipleOf);
        if (++BatchInEpoch == plan.Length) MoveTo(Epoch + 1, 0);
        return batch;
    }

    /// <summary>Continues where a cursor was taken.</summary>
    /// <param name="cursor">The cursor of a sampler with the same examples and options.</param>
    /// <exception cref="LowRankException">The cursor belongs to other examples or options, or points to no batch.</exception>
    public void Restore(DataCursor cursor)
    {
        ArgumentNullException.ThrowIfNull(cursor);
        if (cursor.Data != data)
            throw new LowRankException("the data or the batch settings (rows, layout, row length, seed, shuffling) differ from those of the saved run, so it cannot be resumed exactly");
        if (cursor.Epoch < 0) throw new LowRankException($"the saved data position is not valid: epoch {cursor.Epoch}");
        MoveTo(cursor.Epoch, cursor.Batch);
        if (cursor.Batch >= 0 && cursor.Batch < plan.Length) return;
        MoveTo(0, 0);
        throw new LowRankException($"the saved data position is not valid: batch {cursor.Batch} of epoch {cursor.Epoch}");
    }

    /// <summary>The batches of one pass, each example once: for evaluation.</summary>
    /// <param name="examples">The examples; may be empty.</param>
    /// <param name="options">How examples become batches; usually without shuffling.</param>
    public static IEnumerable<Batch> OneEpoch(IReadOnlyList<Example> examples, BatchOptions options)
    {
        ArgumentNullException.ThrowIfNull(examples);
        if (examples.Count == 0) yield break;
        var sampler = new EpochSampler(examples, options);
        while (sampler.Epoch == 0) yield return sampler.Next();
    }

    private void MoveTo(int epoch, int batch)
    {
        if (epoch != Epoch) plan = EpochPlan.Make(lengths, options, epoch);
        (Epoch, BatchInEpoch) = (epoch, batch);
    }

    private static string Fingerprint(IReadOnlyList<Example> examples, BatchOptions options)
    {
        var hash = new XxHash128();
        Span<long> settings = [options.BatchSize, (long)options.Layout, options.RowLength, options.PackingWindow, options.Seed, options.Shuffle ? 1 : 0, options.PadTokenId, options.PadToMultipleOf, examples.Count];
        hash.Append(MemoryMarshal.AsBytes(settings));
        foreach (var example in examples.Concat(examples.Select(e => e.Rejected).OfType<Example>()))
        {
            hash.Append(MemoryMarshal.AsBytes<long>([example.Length]));
            hash.Append(MemoryMarshal.AsBytes(example.InputIds));
            hash.Append(MemoryMarshal.AsBytes(example.Supervised));
            if (example.IsGood is { } isGood) hash.Append([isGood ? (byte)1 : (byte)0]);
        }
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
